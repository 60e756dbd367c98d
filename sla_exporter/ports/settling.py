"""What settling needs: the store of settlements and the ledger, and who writes notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from sla_exporter.core.ledger import EMPTY_BOOKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.brakes import Tally
    from sla_exporter.core.catalogue import Contract, Customer
    from sla_exporter.core.claims import JudgedClaim
    from sla_exporter.core.ledger import Books, Entry
    from sla_exporter.core.money import Money
    from sla_exporter.core.policy.terms import Form
    from sla_exporter.core.records import CaseRecord
    from sla_exporter.core.settled import Settled
    from sla_exporter.core.settlement import History, State
    from sla_exporter.ports.figures import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A rendered message to a customer; ``pictures`` are PNG files by content id.

    ``customer`` is who it is for, ``facts`` what its templates were given, so that a digest can say
    the same again; ``documents`` are files that go with it, by name.
    """

    key: str
    kind: str
    locale: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    customer: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One delivery to be made; the key goes to the sink on every try.

    ``about`` is the key of the notice, or of the ledger entry, that is to be delivered. It is not
    due before ``wait_ms`` have passed, nor, if it is held, before a person releases it.
    """

    key: str
    sink: str
    kind: str
    about: str
    wait_ms: int = 0
    is_held: bool = False


class DecisionKind(StrEnum):
    """What a person may decide about a settlement."""

    APPROVE = "approve"
    REJECT = "reject"
    ADJUST = "adjust"
    AGAIN = "again"  # it was settled anew
    TAKE_BACK = "take back"  # the first of two people who want something back


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, by whom, why and when; ``credit`` is the credit that it speaks of."""

    settlement: str
    revision: int
    kind: DecisionKind
    by: str
    reason: str
    credit: Money
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Everything that settling one contract and period writes, all of it or nothing.

    ``replaces`` is the revision that the posting takes the place of: 0 if nothing final is there.
    The entries were made for ``books``; if those have moved since, nothing is written, nor is it if
    ``was``, the settlement that it was made from, stands otherwise by now. ``claims`` are those
    that it answers.
    """

    settled: Settled
    entries: tuple[Entry, ...] = ()
    notice: Notice | None = None
    orders: tuple[Order, ...] = ()
    books: Books = EMPTY_BOOKS
    replaces: int = 0
    record: CaseRecord | None = None
    decision: Decision | None = None
    was: Settled | None = None
    claims: tuple[JudgedClaim, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An amount that is kept for a contract of which nothing waits, and its latest settlement."""

    latest: Settled
    minor: int


class EntriesFor(Protocol):
    """Makes entries of what time did to the ledger; pure."""

    def __call__(
        self, expired: Sequence[tuple[Entry, int]], carried: Sequence[Carried]
    ) -> Sequence[Entry]:
        """Take grants whose time is up with what is left of each, and carried amounts."""
        ...


class SettlementStore(Protocol):
    """Settlements, the ledger, notices, and the orders that follow from them."""

    async def latest(self) -> Mapping[str, tuple[int, State]]:
        """Give the end of the period and the state of each contract's latest settlement."""
        ...

    async def final(self, keys: Sequence[str]) -> set[str]:
        """Give those of the keys whose settlement is more than observed."""
        ...

    async def find(self, keys: Sequence[str]) -> Sequence[Settled]:
        """Give settlements by their keys; those that are not there are left out."""
        ...

    async def of_customers(self, customers: Sequence[str], after_ms: int) -> Sequence[Settled]:
        """Give what is final for these customers, of periods that ended after that."""
        ...

    async def held(self, groups: Sequence[str] | None = None) -> Sequence[Settled]:
        """Give what waits for a person: all of it, or what these groups hold."""
        ...

    async def decisions(self, keys: Sequence[str]) -> Sequence[Decision]:
        """Give every decision about these settlements, in the order they were made."""
        ...

    async def note(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions that change nothing yet."""
        ...

    async def history(
        self, contracts: Sequence[Contract], before_ms: int, since_ms: int | None
    ) -> Mapping[str, History]:
        """Give what earlier periods hand on, by contract.

        With ``since_ms`` that is also whether they were breached, and what was granted, or may yet
        be, for those that ended after that.
        """
        ...

    async def books(self, settled: Sequence[Settled]) -> Mapping[str, Books]:
        """Say what the ledger has for each settlement, by key."""
        ...

    async def told(self, settled: Sequence[Settled]) -> set[str]:
        """Give the keys of those of which customers were told something in an earlier revision."""
        ...

    async def tallies(
        self, labels: Sequence[str], without: Sequence[str] = ()
    ) -> Mapping[str, Tally]:
        """Say what is granted for periods, by their labels.

        What the settlements ``without`` have of it, all of these periods, is left out.
        """
        ...

    async def post(self, postings: Sequence[Posting], at_ms: int) -> int:
        """Write the postings in one transaction, and say how many.

        Those whose place is taken already (see :class:`Posting`) are left out.

        Raises:
            BooksMoved: nothing was written; make the entries anew.
        """
        ...

    async def keep_up(self, now_ms: int, entries_for: EntriesFor) -> int:
        """Add the entries that time brought about, in one transaction, and say how many.

        Those whose key is in the ledger already are left out.
        """
        ...

    async def stand(self, standings: Sequence[Standing]) -> None:
        """Replace what the open periods look like as of now."""
        ...


class NoticeRenderer(Protocol):
    """Writes messages to customers."""

    def render(
        self, settled: Settled, customer: Customer, entry: Entry | None, *, corrects: bool = False
    ) -> Notice:
        """Render the notice of a settlement; with an entry, that of a credit.

        One that ``corrects`` takes the place of what the customer was told before.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Which sink takes what.

    ``billing`` holds what forms each configured billing sink can give. What none of a customer's
    sinks can give goes to ``credits``, where a person finds it. The notices of customers in
    ``several`` wait for others: they have more contracts than one. After ``gather_ms`` they are
    gathered; if nobody does so in twice that time, they go by themselves.
    """

    notices: str
    credits: str
    statements: bool
    billing: Mapping[str, frozenset[Form]] = field(default_factory=dict)
    hold: bool = False
    gather_ms: int = 0
    several: frozenset[str] = frozenset()

    def notice_order(self, notice: Notice, *, waits: bool = False) -> Order:
        """Order that a notice is sent; with ``waits``, after others had time to come."""
        waits = waits and notice.customer in self.several
        return Order(
            key=f"{self.notices}/{notice.key}",
            sink=self.notices,
            kind="notice",
            about=notice.key,
            wait_ms=2 * self.gather_ms if waits else 0,
            is_held=self.hold,
        )

    def credit_sink(self, customer: Customer, form: Form) -> str:
        """Choose the first of the customer's billing systems that can give this form."""
        able = (name for name in customer.billing if form in self.billing.get(name, ()))
        return next(able, self.credits)
