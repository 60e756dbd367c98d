"""What every billing sink must withstand, as tests that anyone can import.

A subclass gives the pytest fixtures ``far``, ``sink``, ``credit``, ``stranger`` and ``lost``; the
tests are coroutines, so pytest-asyncio must run them (``asyncio_mode = "auto"``). ``far`` is the
billing system, or a server that behaves as its vendor documents.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from sla_exporter.errors import DeliveryDelayed, DeliveryError, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from decimal import Decimal

    from sla_exporter.ports.delivery import BillingSink, Credit


class Trouble(StrEnum):
    """What happens to the next request that enters something."""

    DROPPED = "the connection breaks before anything is entered"
    APPLIED_THEN_DROPPED = "it is entered, then the connection breaks"
    SLOW = "nothing is entered, and the answer comes too late"
    APPLIED_THEN_SLOW = "it is entered, and the answer comes too late"
    BROKEN = "nothing is entered, and the answer is HTTP 500"
    GARBAGE = "nothing is entered, and the answer is a page for people"
    APPLIED_THEN_GARBAGE = "it is entered, and the answer is a page for people"
    TOO_MANY = "nothing is entered, and the answer is HTTP 429"


class Far(Protocol):
    """The billing system, as the tests see it."""

    def meets(self, trouble: Trouble) -> None:
        """Let the next request that enters something meet this trouble."""
        ...

    def standing(self) -> Sequence[tuple[str, Decimal]]:
        """Give the references and amounts of the credits that stand there."""
        ...


class SinkContract:
    """Nothing is lost, nothing is entered twice, and the three kinds of failure are told apart.

    ``sink`` talks to ``far`` and waits for answers for less than a second; ``stranger`` does so
    with wrong credentials; ``lost`` talks to where nobody listens. ``credit`` can be entered.
    """

    async def test_a_credit_is_entered_and_found(
        self, sink: BillingSink, far: Far, credit: Credit
    ) -> None:
        """With its amount, under its reference, and under a name of the system's own."""
        assert credit.form in sink.forms
        assert await sink.find(credit) is None
        assert await sink.issue(credit)
        assert await deliver(sink, credit)
        assert_once(far, credit)

    async def test_what_stands_there_can_be_read_back(
        self, sink: BillingSink, far: Far, credit: Credit
    ) -> None:
        """With reference and amount; or the sink says that it cannot tell."""
        posted_at_ms = credit.entry.posted_at_ms
        before = await sink.entered(credit.account, posted_at_ms)
        await sink.issue(credit)
        found = await sink.entered(credit.account, posted_at_ms)

        assert_once(far, credit)
        if found is not None:
            assert list(before or ()) == []
            assert [(one.reference, one.amount) for one in found] == [
                (credit.reference, credit.amount.amount)
            ]

    async def test_applied_then_dropped(self, sink: BillingSink, far: Far, credit: Credit) -> None:
        """The worst of all: it stands there, and nobody said so."""
        await unknown_then_once(Trouble.APPLIED_THEN_DROPPED, sink, far, credit)

    async def test_dropped(self, sink: BillingSink, far: Far, credit: Credit) -> None:
        """Seen from here, it looks the same."""
        await unknown_then_once(Trouble.DROPPED, sink, far, credit)

    async def test_applied_then_slow(self, sink: BillingSink, far: Far, credit: Credit) -> None:
        """A time-out is no failure."""
        await unknown_then_once(Trouble.APPLIED_THEN_SLOW, sink, far, credit)

    async def test_slow(self, sink: BillingSink, far: Far, credit: Credit) -> None:
        """Nor is it a success."""
        await unknown_then_once(Trouble.SLOW, sink, far, credit)

    async def test_broken(self, sink: BillingSink, far: Far, credit: Credit) -> None:
        """HTTP 500 leaves open how far the other side came."""
        await unknown_then_once(Trouble.BROKEN, sink, far, credit)

    async def test_garbage(self, sink: BillingSink, far: Far, credit: Credit) -> None:
        """A page for people is no answer; where any answer will do, it is one."""
        far.meets(Trouble.APPLIED_THEN_GARBAGE)
        failure = await failure_of(sink.issue(credit))
        assert failure is None or isinstance(failure, OutcomeUnknown), repr(failure)
        assert await deliver(sink, credit)
        assert_once(far, credit)

    async def test_too_many(self, sink: BillingSink, far: Far, credit: Credit) -> None:
        """The system says that it did nothing, and wants to be left alone for a while."""
        far.meets(Trouble.TOO_MANY)
        assert_kind(DeliveryDelayed, await failure_of(sink.issue(credit)))
        assert list(far.standing()) == []
        assert await deliver(sink, credit)
        assert_once(far, credit)

    async def test_nobody_listens(self, lost: BillingSink, far: Far, credit: Credit) -> None:
        """A refused connection: certainly nothing was entered."""
        assert_kind(DeliveryDelayed, await failure_of(lost.issue(credit)))
        assert list(far.standing()) == []

    async def test_wrong_credentials(self, stranger: BillingSink, far: Far, credit: Credit) -> None:
        """The operator mends them; the credit waits so long."""
        assert_kind(DeliveryDelayed, await failure_of(stranger.issue(credit)))
        assert list(far.standing()) == []


async def deliver(sink: BillingSink, credit: Credit) -> str:
    """Do as the deliverer does: look, and issue only what is not there."""
    return await sink.find(credit) or await sink.issue(credit)


async def failure_of(work: Awaitable[object]) -> DeliveryError | None:
    """Give how the work failed, if it did."""
    try:
        await work
    except DeliveryError as error:
        return error
    return None


async def unknown_then_once(trouble: Trouble, sink: BillingSink, far: Far, credit: Credit) -> None:
    """Meet the trouble, then try again as the deliverer does: the credit stands there once."""
    far.meets(trouble)
    assert_kind(OutcomeUnknown, await failure_of(sink.issue(credit)))
    assert await deliver(sink, credit)
    assert_once(far, credit)


def assert_kind(kind: type[DeliveryError], failure: DeliveryError | None) -> None:
    """Hold the failure to a kind, and to saying something."""
    assert isinstance(failure, kind), f"{failure!r} is no {kind.__name__}"
    assert str(failure)


def assert_once(far: Far, credit: Credit) -> None:
    """Hold the system to exactly this credit."""
    assert list(far.standing()) == [(credit.reference, credit.amount.amount)]
