"""``probe``: raw samples, read only where a scan finds something, proven clean elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.samples import UP
from sla_exporter.core.scan import SeriesScan, reading_plan
from sla_exporter.core.windows import Window
from sla_exporter.errors import NotReady
from sla_exporter.flow.measuring.measurer import ARRIVAL_MS
from sla_exporter.ports.measuring import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from sla_exporter.core.catalogue import Service
    from sla_exporter.core.samples import Cadence
    from sla_exporter.core.scan import Chunk, Sample
    from sla_exporter.core.windows import Windows
    from sla_exporter.ports import Labels
    from sla_exporter.ports.measuring import SampleSource, ScanAnswer

BUCKET_MS = 12 * 3_600_000
SAMPLES_AN_ANSWER = 500_000
_READS_AT_ONCE = 4


class Look(NamedTuple):
    """What a first look at a chunk shows: samples before either end, and the scan."""

    at_start: Mapping[Labels, Sequence[Sample]]
    at_end: Mapping[Labels, Sequence[Sample]]
    answer: ScanAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeMeasurer:
    """Measures 0/1 series, to the sample."""

    source: SampleSource
    service: Service
    grid_ms: int = 1
    edges: dict[int, Mapping[Labels, Sequence[Sample]]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: SampleSource, service: Service) -> ProbeMeasurer:
        """Take a service whose kind is ``probe``."""
        return cls(source=source, service=service)

    async def interval_ms(self, from_ms: int, now_ms: int) -> int:
        """Take the interval that is stated, or infer it."""
        service = self.service
        if service.interval_ms:
            return service.interval_ms
        for at_ms in (now_ms, (from_ms + now_ms) // 2, from_ms + 3_600_000):
            found = await self.source.interval_ms(service, at_ms)
            if found:
                return found
        raise NotReady(
            f"service {service.name}: {service.selector} has no samples to infer the scrape "
            "interval from; check the selector, or state the interval"
        )

    def lag_ms(self, cadence: Cadence) -> int:
        """Wait for the samples that say whether the last ones had a gap behind them."""
        return 2 * cadence.max_gap_ms + ARRIVAL_MS

    async def look(self, chunk: Chunk) -> Look:
        """Scan a chunk, and read the samples before either end of it."""
        start, end = chunk.span
        answer, at_start, at_end = await asyncio.gather(
            self.source.scan(self.service, chunk),  # first, as it takes longest
            self._before(start, chunk.cadence),
            self._before(end, chunk.cadence),
        )
        # The end of a chunk is the start of the next one, now or at the next tick.
        self.edges.pop(start, None)
        self.edges[end] = at_end
        return Look(at_start, at_end, answer)

    async def _before(self, at_ms: int, cadence: Cadence) -> Mapping[Labels, Sequence[Sample]]:
        """Give what may stand for the moment: the samples of the last max gap before it."""
        known = self.edges.get(at_ms)
        if known is not None:
            return known
        return await self.source.samples(self.service, Window(at_ms - cadence.max_gap_ms, at_ms))

    async def finish(self, chunk: Chunk, look: Look, expected: AbstractSet[Labels]) -> Observation:
        """Give the state of every series that was not up throughout, or is new."""
        flagged = look.answer.flagged
        present = look.at_start.keys() | look.at_end.keys()
        clean = {
            labels
            for labels in present - flagged.keys()
            if chunk.is_clean(look.at_start.get(labels, ()), look.at_end.get(labels, ()))
        }
        others = (expected | present | flagged.keys()) - clean
        scans = {labels: _scan(chunk, look, labels, flagged.get(labels, ())) for labels in others}
        await self._read_wanted(chunk, scans)
        if not self._is_proven(chunk, look.answer, scans.values(), len(clean)):
            for labels, ends in (await self.source.miscounted(self.service, chunk)).items():
                scan = scans.setdefault(labels, _scan(chunk, look, labels, ()))
                scan.flagged_at = sorted({*scan.flagged_at, *ends})
            await self._read_wanted(chunk, scans)
        states = {labels: scan.state() for labels, scan in scans.items() if scan.read}
        new = dict.fromkeys((clean | scans.keys()) - expected, UP)
        return Observation(
            states=new | {labels: state for labels, state in states.items() if state != UP}
        )

    def _is_proven(
        self, chunk: Chunk, answer: ScanAnswer, scans: Iterable[SeriesScan], clean: int
    ) -> bool:
        """Say whether no window that was not read can hide a sample too many."""
        if answer.is_proof:
            return True
        held = sum(scan.samples_in_windows() for scan in scans)
        return answer.samples_seen == held + clean * chunk.clean_total

    async def _read_wanted(self, chunk: Chunk, scans: Mapping[Labels, SeriesScan]) -> None:
        """Read raw, until no scan wants more."""
        while wanted := {k: spans for k, scan in scans.items() if (spans := scan.wanted())}:
            await self._read(chunk, scans, wanted)

    async def _read(
        self,
        chunk: Chunk,
        scans: Mapping[Labels, SeriesScan],
        wanted: Mapping[Labels, Windows],
    ) -> None:
        """Read these spans raw and hand them to their scans."""
        plan = reading_plan(wanted, chunk.cadence, BUCKET_MS, SAMPLES_AN_ANSWER)
        permits = asyncio.Semaphore(_READS_AT_ONCE)

        async def read_one(hull: Window, needed: Mapping[Labels, Windows]) -> None:
            async with permits:
                found = await self.source.samples(self.service, hull, needed)
                for labels in needed:
                    scans[labels].take(found.get(labels, ()))

        await asyncio.gather(*(read_one(hull, needed) for hull, needed in plan))
        for labels, read in wanted.items():
            scans[labels].has_read(read)


def _scan(chunk: Chunk, look: Look, labels: Labels, flagged_at: Sequence[int]) -> SeriesScan:
    return SeriesScan(
        chunk=chunk,
        flagged_at=flagged_at,
        at_start=look.at_start.get(labels, ()),
        at_end=look.at_end.get(labels, ()),
    )
