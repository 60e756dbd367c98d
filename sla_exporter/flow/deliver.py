"""Deliver: claim an order, hand it to its sink outside any transaction, record the verdict.

A credit is looked for before it is issued, always. Before the request that enters it goes out, the
outbox notes that it is being sent, and where. So whatever dies, the next try knows that the credit
may stand there already, looks in the same account, and waits until no request of ours can still be
at work. A notice is sent again with the same Message-ID.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import structlog

from sla_exporter.errors import (
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    DeliveryWaits,
    OutcomeUnknown,
    StoreUnavailable,
)
from sla_exporter.ports.delivery import Credit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sla_exporter.core.ledger import Entry
    from sla_exporter.ports import Clock
    from sla_exporter.ports.delivery import BillingSink, Claimed, Outbox, Sinks
    from sla_exporter.ports.notices import Pace

_log = structlog.get_logger(__name__)

T = TypeVar("T")

LEASE_MS = 5 * 60_000
MOST_AT_ONCE = 40
FIRST_RETRY_MS = 30_000
LONGEST_RETRY_MS = 6 * 3_600_000
MOST_ATTEMPTS = 20  # about three days


class DeliveryVerdict(StrEnum):
    """How one try went."""

    DELIVERED = "delivered"
    DELAYED = "delayed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class _LeaseLost(Exception):
    """Another process has the order by now."""


class _NotEntered(Exception):
    """The billing system said no, so it is certain that nothing was entered."""

    def __init__(self, error: DeliveryError) -> None:
        self.error = error
        super().__init__(str(error))


def retry_after_ms(attempts: int, jitter: float) -> int:
    """Wait twice as long after every try, up to six hours, and a quarter of that times jitter."""
    wait_ms = min(FIRST_RETRY_MS << attempts, LONGEST_RETRY_MS)
    return wait_ms + int(wait_ms * jitter / 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverer:
    """Empties the outbox into the sinks; any number of processes may do so at once.

    ``owner`` must be unlike that of every other deliverer. ``account_of`` gives the account that a
    customer has in a billing system; ``paces`` says how fast a sink gets notices.
    """

    outbox: Outbox
    sinks: Sinks
    clock: Clock
    owner: str
    count: Callable[[str, DeliveryVerdict], None]
    account_of: Callable[[str, Entry], str | None]
    paces: Mapping[str, Pace] = field(default_factory=dict)
    jitter: Callable[[], float] = field(default=random.random)
    _lanes: dict[str, asyncio.Semaphore] = field(default_factory=dict, repr=False)

    async def deliver_due(self) -> int:
        """Deliver everything that is due and say how many orders were tried."""
        tried: int = 0
        while claimed := await self._claim():
            works = [self._deliver(order) for order in claimed]
            troubles = [one for one in await asyncio.gather(*works, return_exceptions=True) if one]
            if troubles:  # the database's; raised once nothing is under way any more
                raise troubles[0]
            tried += len(claimed)
        return tried

    async def _claim(self) -> Sequence[Claimed]:
        return await self.outbox.claim(
            self.owner, self.clock.now_ms(), LEASE_MS, MOST_AT_ONCE, self.paces
        )

    async def _deliver(self, claimed: Claimed) -> None:
        order = claimed.order
        try:
            reference, account = await self._hand_over(claimed)
        except _LeaseLost:
            _log.warning("another process has the order by now", order=order.key)
        except _NotEntered as no:
            await self._failed(claimed, no.error, not_entered=True)
        except DeliveryError as error:
            await self._failed(claimed, error)
        except StoreUnavailable:
            raise  # the lease runs out, and the next try looks what came of this one
        except Exception as error:  # noqa: BLE001 - one order must not stop the others
            _log.exception("a sink failed in a way it should not", order=order.key)
            await self._failed(claimed, DeliveryDelayed(f"{type(error).__name__}: {error}"))
        else:
            now_ms = self.clock.now_ms()
            await self.outbox.delivered(order.key, self.owner, reference, now_ms, account)
            self.count(order.sink, DeliveryVerdict.DELIVERED)
            _log.info("delivered", order=order.key, reference=reference)

    async def _hand_over(self, claimed: Claimed) -> tuple[str, str | None]:
        """Give the sink's name of what it took, and the account that a credit went to."""
        name, entry, notice = claimed.order.sink, claimed.entry, claimed.notice
        if entry:
            billing = _named(self.sinks.billing, name)
            async with self._lane(billing):
                credit = self._credit(billing, claimed, entry)
                return await self._enter(billing, claimed, credit), credit.account
        if notice is None:
            raise DeliveryRefused("the order is about nothing that could be delivered")
        sink = _named(self.sinks.notices, name)
        return await _in_time(sink.send(notice, claimed.order.key), _LATE), None

    def _lane(self, sink: BillingSink) -> asyncio.Semaphore:
        return self._lanes.setdefault(sink.name, asyncio.Semaphore(sink.at_once))

    async def _enter(self, sink: BillingSink, claimed: Claimed, credit: Credit) -> str:
        """Enter a credit, unless it stands in the billing system already."""
        found = await _in_time(sink.find(credit), _LATE)
        if found is not None:
            return found
        self._wait_until_settled(sink, claimed)
        key, now_ms = claimed.order.key, self.clock.now_ms()
        if not await self.outbox.sending(key, self.owner, credit.account, now_ms, LEASE_MS):
            raise _LeaseLost
        try:
            return await _in_time(sink.issue(credit), _LOST)
        except (DeliveryRefused, DeliveryDelayed) as error:
            raise _NotEntered(error) from error

    def _credit(self, sink: BillingSink, claimed: Claimed, entry: Entry) -> Credit:
        """Say where the credit goes: to where an earlier try may have entered it, if one did."""
        account = claimed.account or self.account_of(sink.name, entry)
        if account is None:
            raise DeliveryRefused(f"customer {entry.customer!r} has no {sink.name!r} under billing")
        if entry.form not in sink.forms:
            raise DeliveryRefused(f"{sink.name} cannot give the form {entry.form.value!r}")
        return Credit(entry=entry, account=account)

    def _wait_until_settled(self, sink: BillingSink, claimed: Claimed) -> None:
        """Let time pass until no earlier request of ours can still be at work over there."""
        if claimed.sent_at_ms is None:
            return
        left_ms = claimed.sent_at_ms + sink.settles_ms - self.clock.now_ms()
        if left_ms > 0:
            sentence = (
                "an earlier try may still be at work in the billing system; "
                "it is looked for again before anything is sent"
            )
            raise DeliveryWaits(sentence, left_ms)

    async def _failed(
        self, claimed: Claimed, error: DeliveryError, *, not_entered: bool = False
    ) -> None:
        order, counts = claimed.order, not isinstance(error, DeliveryWaits)
        refused = isinstance(error, DeliveryRefused)
        parks = refused or (counts and claimed.attempts + 1 >= MOST_ATTEMPTS)
        retry_at_ms = None if parks else self.clock.now_ms() + self._wait_ms(claimed, error)
        await self.outbox.failed(
            order.key,
            self.owner,
            str(error),
            retry_at_ms,
            not_entered=not_entered,
            counts=counts,
        )
        self.count(order.sink, _verdict(error))
        _log.warning("not delivered", order=order.key, error=str(error), parked=parks)

    def _wait_ms(self, claimed: Claimed, error: DeliveryError) -> int:
        """Wait longer every time, and as long as the sink asks for."""
        asked_ms = (error.after_ms or 0) if isinstance(error, DeliveryDelayed) else 0
        if isinstance(error, DeliveryWaits):
            return asked_ms
        return max(asked_ms, retry_after_ms(claimed.attempts, self.jitter()))


_LATE = DeliveryDelayed("the sink did not answer in time")
_LOST = OutcomeUnknown("the sink did not answer in time; the credit may have been entered")


async def _in_time(work: Awaitable[T], late: DeliveryError) -> T:
    """Wait for less time than the lease holds, so that no other process has the order meanwhile."""
    try:
        async with asyncio.timeout(LEASE_MS / 2000):
            return await work
    except TimeoutError:
        raise late from None


def _named(sinks: Mapping[str, T], name: str) -> T:
    try:
        return sinks[name]
    except KeyError:
        raise DeliveryRefused(f"there is no sink {name!r} in the configuration") from None


def _verdict(error: DeliveryError) -> DeliveryVerdict:
    if isinstance(error, OutcomeUnknown):
        return DeliveryVerdict.UNKNOWN
    if isinstance(error, DeliveryRefused):
        return DeliveryVerdict.REFUSED
    return DeliveryVerdict.DELAYED
