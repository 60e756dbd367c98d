"""What the steps of the flow need from the outside, said as protocols.

``evidence`` has what stands beside the measurement, ``delivery`` what delivering needs; everything
else is here.

The adapters fulfil them; only the composition root knows which adapter it is. ``store.memory`` is a
second, tested implementation of the observation store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from sla_exporter.core.ledger import EMPTY_BOOKS, Books
from sla_exporter.core.windows import Window, subtract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.affected import Partial
    from sla_exporter.core.audit import Balance, Line
    from sla_exporter.core.brakes import Tally
    from sla_exporter.core.catalogue import Contract, Customer, Service
    from sla_exporter.core.exposure import Outlook
    from sla_exporter.core.incidents import Amendment, IncidentWindow
    from sla_exporter.core.ledger import Entry
    from sla_exporter.core.money import Money
    from sla_exporter.core.policy.terms import Form
    from sla_exporter.core.records import CaseRecord
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.scan import Chunk, Sample
    from sla_exporter.core.settled import Settled
    from sla_exporter.core.settlement import History, Settlement, State
    from sla_exporter.core.sli.events import Slot
    from sla_exporter.core.windows import Windows

Labels = tuple[tuple[str, str], ...]
"""A series' labels as sorted pairs, without the metric's name."""

Value = tuple[int, str]
"""Milliseconds since the epoch, and a value as the engine writes it."""


class Clock(Protocol):
    """The only place that reads the time."""

    def now_ms(self) -> int:
        """Give milliseconds since the epoch."""
        ...


class Progress(Protocol):
    """Tells a person how long work goes on."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` units of ``what`` are finished."""
        ...


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""


# ── measuring ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanAnswer:
    """The ends of flagged windows by series, and how many samples all windows together held.

    A series that has a window without any sample, and another one with some, has a flag there too.
    ``samples_seen`` is ``None`` where the engine does not tell.
    """

    flagged: Mapping[Labels, list[int]]
    samples_seen: int | None


class SampleSource(Protocol):
    """The engine that holds the series. All spans are ``(start, end]``.

    Every method raises a :class:`sla_exporter.errors.SourceError` rather than answer incompletely.
    """

    async def samples(
        self, service: Service, span: Window, needed: Mapping[Labels, Windows] | None = None
    ) -> Mapping[Labels, Sequence[Sample]]:
        """Give raw samples of the span in order of time.

        Of all series; or, with ``needed``, at least what is needed of the series named there.
        """
        ...

    async def scan(self, service: Service, chunk: Chunk) -> ScanAnswer:
        """Find the windows whose sum is not the clean one."""
        ...

    async def miscounted(self, service: Service, chunk: Chunk) -> Mapping[Labels, list[int]]:
        """Give the ends of the windows that hold too many samples, too few, or none, by series."""
        ...

    async def interval_ms(self, service: Service, at_ms: int) -> int | None:
        """Infer the scrape interval from the spacing of samples before a moment."""
        ...

    async def values(self, expression: str, at: range) -> Mapping[Labels, Sequence[Value]]:
        """Evaluate any PromQL at these moments; a series has no value where it gives none."""
        ...

    async def held_from_ms(self, selectors: Sequence[str], span: Window) -> int:
        """Say from when on the engine still holds all samples that there were.

        At least the start of the span; past it if samples were deleted by age, or if the engine
        does not tell its retention and holds none that are older.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was found in a stretch of time, by series.

    Series that are not in ``states`` were up throughout. ``affected`` are the stretches of downtime
    that hit only a share of the users, by the labels of whom they speak.
    """

    states: Mapping[Labels, SeriesState]
    slots: Mapping[Labels, Sequence[Slot]] = field(default_factory=dict)
    affected: Mapping[Labels, Sequence[Partial]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far a service has been observed, ``[from_ms, fresh_until_ms)`` without a hole.

    What lies before ``final_until_ms`` was read again after ``settle_after``, when late samples had
    arrived, and may be settled. ``unread`` is the time in between whose samples the engine had
    deleted before anyone read them.
    """

    interval_ms: int
    from_ms: int
    fresh_until_ms: int
    final_until_ms: int
    unread: Windows = ()

    def outside(self, span: Window) -> Windows:
        """Give the observed time without the span."""
        return subtract((Window(self.from_ms, self.fresh_until_ms),), (span,))


class ObservationStore(Protocol):
    """Non-up windows of every series ever seen."""

    async def watermark(self, service: str) -> Watermark | None:
        """Say how far the service was observed; ``None`` if never."""
        ...

    async def known_series(self, service: str) -> set[Labels]:
        """Give the series that are expected because they were seen before."""
        ...

    async def record(
        self, service: str, span: Window, found: Observation, watermark: Watermark
    ) -> None:
        """Replace what was known inside the span, and move the watermark, in one transaction.

        A series that was never seen before is unknown in the rest of the observed time.
        """
        ...

    async def states(self, service: str, span: Window) -> Mapping[Labels, SeriesState]:
        """Give all series of the service with their non-up windows that touch the span, uncut."""
        ...

    async def slots(self, service: str, span: Window) -> Mapping[Labels, Sequence[Slot]]:
        """Give the slots of counted events that touch the span, in order of time."""
        ...

    async def affected(self, service: str, span: Window) -> Mapping[Labels, Sequence[Partial]]:
        """Give the stretches of downtime that hit only a share, where they touch the span."""
        ...


# ── incidents ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """A webhook request as it came, kept as evidence."""

    received_at_ms: int
    sender: str
    body: bytes
    truncated: int
    problem: str | None = None


class IncidentStore(Protocol):
    """Incident windows and the requests they came from."""

    async def record(self, request: RawRequest, windows: Sequence[IncidentWindow]) -> None:
        """Keep the request and join the windows with what is known, in one transaction."""
        ...

    async def overlapping(self, span: Window) -> Sequence[IncidentWindow]:
        """Give every window that touches the span, with what was changed about it."""
        ...

    async def known(self, span: Window) -> Sequence[IncidentWindow]:
        """Give every window that touches the span, open ones as open as they were told."""
        ...

    async def find(self, fingerprint: str, starts_at_ms: int) -> IncidentWindow | None:
        """Give one window."""
        ...

    async def amend(self, amendments: Sequence[Amendment]) -> int:
        """Make the changes that still apply, each with its note, and say how many those were."""
        ...

    async def listed(self, windows: Sequence[IncidentWindow], at_ms: int) -> None:
        """Note that Alertmanager lists these as firing."""
        ...

    async def repaired_until(self, service: str) -> int | None:
        """Say up to when windows were compared with the alerts in Prometheus."""
        ...

    async def mark_repaired(self, service: str, until_ms: int) -> None:
        """Note up to when windows were compared."""
        ...


# ── settling ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A rendered message to a customer; ``pictures`` are PNG files by content id."""

    key: str
    kind: str
    locale: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One delivery to be made; the key goes to the sink on every try.

    ``about`` is the key of the notice, or of the ledger entry, that is to be delivered.
    """

    key: str
    sink: str
    kind: str
    about: str


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
    The entries were made for ``books``; if those have moved since, nothing is written.
    """

    settled: Settled
    entries: tuple[Entry, ...] = ()
    notice: Notice | None = None
    orders: tuple[Order, ...] = ()
    books: Books = EMPTY_BOOKS
    replaces: int = 0
    record: CaseRecord | None = None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An amount that is kept for a contract, and the contract's latest settlement."""

    latest: Settled
    minor: int


class EntriesFor(Protocol):
    """Makes entries of what time did to the ledger; pure."""

    def __call__(
        self, expired: Sequence[tuple[Entry, int]], carried: Sequence[Carried]
    ) -> Sequence[Entry]:
        """Take grants whose time is up with what is left of each, and every carried amount."""
        ...


class SettlementStore(Protocol):
    """Settlements, the ledger, notices, and the orders that follow from them."""

    async def latest(self) -> Mapping[str, tuple[int, State]]:
        """Give the end of the period and the state of each contract's latest settlement."""
        ...

    async def final(self, keys: Sequence[str]) -> set[str]:
        """Give those of the keys whose settlement is held or posted."""
        ...

    async def find(self, keys: Sequence[str]) -> Sequence[Settled]:
        """Give settlements by their keys; those that are not there are left out."""
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
        self, contracts: Sequence[Contract], before_ms: int, *, far: bool
    ) -> Mapping[str, History]:
        """Give what earlier periods hand on, by contract; with ``far``, a year of periods."""
        ...

    async def books(self, settled: Sequence[Settled]) -> Mapping[str, Books]:
        """Say what the ledger has for each settlement, by key."""
        ...

    async def tallies(self, labels: Sequence[str]) -> Mapping[str, Tally]:
        """Say what was granted for periods so far, by their labels."""
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

    async def stand(self, standings: Sequence[tuple[Settlement, Outlook]]) -> None:
        """Replace what the open periods look like as of now."""
        ...


class NoticeRenderer(Protocol):
    """Writes messages to customers."""

    def render(self, settled: Settled, customer: Customer, entry: Entry | None) -> Notice:
        """Render the notice of a settlement; with an entry, that of a credit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Which sink takes what.

    ``billing`` holds what forms each configured billing sink can give. What none of a customer's
    sinks can give goes to ``credits``, where a person finds it.
    """

    notices: str
    credits: str
    statements: bool
    billing: Mapping[str, frozenset[Form]] = field(default_factory=dict)

    def credit_sink(self, customer: Customer, form: Form) -> str:
        """Choose the first of the customer's billing systems that can give this form."""
        able = (name for name in customer.billing if form in self.billing.get(name, ()))
        return next(able, self.credits)


class Scope(StrEnum):
    """What a token opens."""

    INGEST = "ingest"  # send webhooks
    READ = "read"
    OPERATE = "operate"  # decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token of the API, without its secret."""

    name: str
    scopes: frozenset[Scope]
    created_at_ms: int
    revoked_at_ms: int | None = None


class TokenStore(Protocol):
    """Knows bearer tokens."""

    async def known(self, secret: str) -> Token | None:
        """Give the token in force that somebody presents, if it is one."""
        ...


class Lists(Protocol):
    """Lists of what was written, page by page.

    Each method gives at most ``limit`` of what fits the filters, after the key that the page before
    ended with.
    """

    async def settlements(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Settled]:
        """Give settlements by key."""
        ...

    async def credits(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Settled]:
        """Give settlements that owe something, by key."""
        ...

    async def incidents(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[IncidentWindow]:
        """Give incident windows; the key is ``<start in ms>/<fingerprint>``."""
        ...

    async def decisions(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[tuple[int, Decision]]:
        """Give decisions with their numbers, which are the keys."""
        ...

    async def lines(self, filters: Mapping[str, str], after: str, limit: int) -> Sequence[Line]:
        """Give ledger entries; the key is their number."""
        ...

    async def balances(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Balance]:
        """Give balances; the key is ``<contract>/<currency>``."""
        ...


# ── exposing ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the open period of a contract looks as of now; ratios are exact fractions as text.

    ``per_hour_minor`` is what the next hour of a running outage adds to the credit;
    ``next_after_ms`` how much more downtime it takes until the credit is ``next_credit_minor``.
    """

    contract: str
    customer: str
    service: str
    policy: str
    period: str
    currency: str
    credit_minor: int
    objective: str | None
    ratio: str | None
    down_ms: int
    unknown_ms: int
    disagreement_ms: int = 0
    is_down: bool = False
    per_hour_minor: int = 0
    next_after_ms: int | None = None
    next_credit_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the database says, for ``/metrics``; sums are in minor units.

    The keys of the mappings are the values of the labels: ``issued`` and ``reversed`` by currency,
    policy and form; ``carried`` by currency;
    ``held`` by currency and reason; ``breaches`` and ``unpaid_breaches`` by policy and service;
    ``pending`` and ``parked`` by sink; ``observed_until_ms`` by service; ``billing_differences`` by
    sink and kind; ``billing_checked_ms`` by sink.
    """

    issued: Mapping[tuple[str, str, str], tuple[int, int]]
    held: Mapping[tuple[str, str], int]
    breaches: Mapping[tuple[str, str], int]
    unpaid_breaches: Mapping[tuple[str, str], int]
    pending: Mapping[str, int]
    parked: Mapping[str, int]
    observed_until_ms: Mapping[str, int]
    open_incidents: int
    standings: Sequence[Standing]
    reversed: Mapping[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)
    carried: Mapping[str, int] = field(default_factory=dict)
    billing_differences: Mapping[tuple[str, str], int] = field(default_factory=dict)
    billing_checked_ms: Mapping[str, int] = field(default_factory=dict)


class FigureStore(Protocol):
    """Reads figures; changes nothing."""

    async def figures(self) -> Figures:
        """Give all figures from one snapshot."""
        ...
