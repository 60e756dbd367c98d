"""What the steps of the flow need from the outside, said as protocols.

``delivery`` has what delivering needs; everything else is here.

The adapters fulfil them; only the composition root knows which adapter it is. ``store.memory`` is a
second, tested implementation of the observation store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sla_exporter.core.windows import Window, subtract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.catalogue import Customer, Service
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.ledger import Entry
    from sla_exporter.core.policy.terms import Form
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.scan import Chunk, Sample
    from sla_exporter.core.settlement import Settlement, State
    from sla_exporter.core.windows import Windows

Labels = tuple[tuple[str, str], ...]
"""A series' labels as sorted pairs, without the metric's name."""


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
        """Give the ends of the windows that hold too many or too few samples, by series."""
        ...

    async def interval_ms(self, service: Service, at_ms: int) -> int | None:
        """Infer the scrape interval from the spacing of samples before a moment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far a service has been observed, ``[from_ms, fresh_until_ms)`` without a hole.

    What lies before ``final_until_ms`` was read again after ``settle_after``, when late samples had
    arrived, and may be settled.
    """

    interval_ms: int
    from_ms: int
    fresh_until_ms: int
    final_until_ms: int

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
        self,
        service: str,
        span: Window,
        states: Mapping[Labels, SeriesState],
        watermark: Watermark,
    ) -> None:
        """Replace what was known inside the span, and move the watermark, in one transaction.

        Series that are not in ``states`` were up throughout the span. A series that was never seen
        before is unknown in the rest of the observed time.
        """
        ...

    async def states(self, service: str, span: Window) -> Mapping[Labels, SeriesState]:
        """Give all series of the service with their non-up windows that touch the span, uncut."""
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
        """Give every window that touches the span."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Everything that settling one contract and period writes, all of it or nothing."""

    settlement: Settlement
    entry: Entry | None = None
    notice: Notice | None = None
    orders: tuple[Order, ...] = ()


class SettlementStore(Protocol):
    """Settlements, the ledger, notices, and the orders that follow from them."""

    async def latest(self) -> Mapping[str, tuple[int, State]]:
        """Give the end of the period and the state of each contract's latest settlement."""
        ...

    async def final(self, keys: Sequence[str]) -> set[str]:
        """Give those of the keys whose settlement is held or posted."""
        ...

    async def post(self, postings: Sequence[Posting], at_ms: int) -> int:
        """Write the postings in one transaction, without those already final; say how many."""
        ...

    async def stand(self, standings: Sequence[Settlement]) -> None:
        """Replace what the open periods look like as of now."""
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


class NoticeRenderer(Protocol):
    """Writes messages to customers."""

    def render(self, settlement: Settlement, entry: Entry | None) -> Notice:
        """Render the notice of a settlement."""
        ...


# ── exposing ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the open period of a contract looks as of now; ratios are exact fractions as text."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the database says, for ``/metrics``; sums are in minor units.

    The keys of the mappings are the values of the labels: ``issued`` by currency, policy and form;
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
    billing_differences: Mapping[tuple[str, str], int] = field(default_factory=dict)
    billing_checked_ms: Mapping[str, int] = field(default_factory=dict)


class FigureStore(Protocol):
    """Reads figures; changes nothing."""

    async def figures(self) -> Figures:
        """Give all figures from one snapshot."""
        ...
