"""What measuring needs: the engine that holds the series, and the store of what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sla_exporter.core.windows import Window, subtract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from sla_exporter.core.affected import Partial
    from sla_exporter.core.catalogue import Service
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.scan import Chunk, Sample
    from sla_exporter.core.sli.events import Slot
    from sla_exporter.core.windows import Windows
    from sla_exporter.ports import Labels, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanAnswer:
    """The ends of flagged windows by series, and how many samples all windows together held.

    A series that has a window without any sample, and another one with some, has a flag there too.
    ``samples_seen`` is ``None`` where the engine does not tell. With ``is_proof``, windows without
    a flag are certain to hold neither a bad sample nor a gap, and nothing need be counted.
    """

    flagged: Mapping[Labels, list[int]]
    samples_seen: int | None
    is_proof: bool = False


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

    async def known_series(self, service: str) -> AbstractSet[Labels]:
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
