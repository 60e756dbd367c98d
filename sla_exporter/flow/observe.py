"""Observe: from Prometheus to windows, one scan per service, from its watermark on.

Time is read twice. Fresh time is read as soon as its samples are in, for everything that shows how
things stand. Time older than ``settle_after`` is read once more, when late samples have arrived,
and only then may it be settled. Either pass works in chunks; a chunk and the watermark that says so
are one transaction, so a crash costs at most one chunk of work.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sla_exporter.core.samples import UP, Cadence, SeriesState
from sla_exporter.core.scan import SeriesScan, chunks, reading_plan
from sla_exporter.core.windows import Window, Windows
from sla_exporter.errors import NotReady
from sla_exporter.ports import Watermark, silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_exporter.core.catalogue import Service
    from sla_exporter.core.scan import Chunk
    from sla_exporter.ports import Labels, ObservationStore, Progress, SampleSource

# A sample is looked for this long after its time before it counts as missing; engines that take
# samples over the network show them late (VictoriaMetrics: 30 s).
ARRIVAL_MS = 45_000
_BUCKET_MS = 12 * 3_600_000
_SAMPLES_AN_ANSWER = 500_000
_READS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Observes services; stateless but for its adapters."""

    source: SampleSource
    store: ObservationStore
    settle_after_ms: int
    progress: Progress = silent

    async def observe(self, service: Service, from_ms: int, now_ms: int) -> Watermark:
        """Read what is new, as far as samples are in; start at ``from_ms`` if nothing was read yet.

        Raises:
            SourceError: nothing is lost then; the watermark stays at the last finished chunk.
            NotReady: if the scrape interval can be neither read from the service nor inferred.
        """
        mark = await self.store.watermark(service.name)
        if mark is None:
            interval_ms = await self._interval(service, from_ms, now_ms)
            mark = Watermark(
                interval_ms=interval_ms,
                from_ms=from_ms,
                fresh_until_ms=from_ms,
                final_until_ms=from_ms,
            )
        elif service.interval_ms and service.interval_ms != mark.interval_ms:
            mark = replace(mark, interval_ms=service.interval_ms)
        if from_ms < mark.from_ms:
            mark = await self._observe_earlier(service, from_ms, mark)
        cadence = Cadence.of(mark.interval_ms, service.max_gap_ms)
        settled_ms = now_ms - self.settle_after_ms
        arrived_ms = now_ms - 2 * cadence.max_gap_ms - ARRIVAL_MS
        for chunk in chunks(Window(mark.final_until_ms, min(settled_ms, arrived_ms)), cadence):
            end = chunk.span.end_ms
            mark = replace(mark, final_until_ms=end, fresh_until_ms=max(end, mark.fresh_until_ms))
            await self._observe_chunk(service, chunk, mark)
        for chunk in chunks(Window(mark.fresh_until_ms, arrived_ms), cadence):
            mark = replace(mark, fresh_until_ms=chunk.span.end_ms)
            await self._observe_chunk(service, chunk, mark)
        return mark

    async def _observe_earlier(self, service: Service, from_ms: int, mark: Watermark) -> Watermark:
        """Read what lies before the first observation, from late to early."""
        cadence = Cadence.of(mark.interval_ms, service.max_gap_ms)
        # Chunks may leave two intervals over; starting as much earlier, they cover all of it.
        earlier = list(chunks(Window(from_ms - 2 * cadence.interval_ms, mark.from_ms), cadence))
        by = mark.from_ms - earlier[-1].span.end_ms if earlier else 0
        for chunk in reversed(earlier):
            moved = Window(chunk.span.start_ms + by, chunk.span.end_ms + by)
            mark = replace(mark, from_ms=moved.start_ms)
            await self._observe_chunk(service, replace(chunk, span=moved), mark)
        return mark

    async def _observe_chunk(self, service: Service, chunk: Chunk, mark: Watermark) -> None:
        expected = await self.store.known_series(service.name)
        states = await self._read_chunk(service, chunk, expected)
        await self.store.record(service.name, chunk.span, states, mark)

    async def _read_chunk(
        self, service: Service, chunk: Chunk, expected: set[Labels]
    ) -> Mapping[Labels, SeriesState]:
        """Give the state of every series that was not up throughout, or is new."""
        gap = chunk.cadence.max_gap_ms
        start, end = chunk.span
        at_start, at_end, answer = await asyncio.gather(
            self.source.samples(service, Window(start - gap, start)),
            self.source.samples(service, Window(end - gap, end)),
            self.source.scan(service, chunk),
        )
        scans = {
            labels: SeriesScan(
                chunk=chunk,
                flagged_at=answer.flagged.get(labels, ()),
                at_start=at_start.get(labels, ()),
                at_end=at_end.get(labels, ()),
            )
            for labels in expected | answer.flagged.keys() | at_start.keys() | at_end.keys()
        }
        await self._read_wanted(service, chunk, scans)
        if answer.samples_seen != sum(scan.samples_in_windows() for scan in scans.values()):
            for labels, ends in (await self.source.miscounted(service, chunk)).items():
                scan = scans.setdefault(labels, SeriesScan(chunk=chunk))
                scan.flagged_at = sorted({*scan.flagged_at, *ends})
            await self._read_wanted(service, chunk, scans)
        states = {labels: scan.state() for labels, scan in scans.items() if scan.read}
        new = dict.fromkeys(scans.keys() - expected, UP)
        return new | {labels: state for labels, state in states.items() if state != UP}

    async def _read_wanted(
        self, service: Service, chunk: Chunk, scans: Mapping[Labels, SeriesScan]
    ) -> None:
        """Read raw, until no scan wants more."""
        while wanted := {k: spans for k, scan in scans.items() if (spans := scan.wanted())}:
            await self._read(service, chunk, scans, wanted)

    async def _read(
        self,
        service: Service,
        chunk: Chunk,
        scans: Mapping[Labels, SeriesScan],
        wanted: Mapping[Labels, Windows],
    ) -> None:
        """Read these spans raw and hand them to their scans."""
        numbered = list(wanted)
        spans = {number: wanted[labels] for number, labels in enumerate(numbered)}
        plan = reading_plan(spans, chunk.cadence, _BUCKET_MS, _SAMPLES_AN_ANSWER)
        permits = asyncio.Semaphore(_READS_AT_ONCE)
        done = 0

        async def read_one(hull: Window, members: tuple[int, ...]) -> None:
            nonlocal done
            async with permits:
                picked = [numbered[number] for number in members]
                found = await self.source.samples(service, hull, picked)
                for labels in picked:
                    scans[labels].take(found.get(labels, ()))
            done += 1
            self.progress(f"reading trouble of {service.name}", done, len(plan))

        await asyncio.gather(*(read_one(hull, members) for hull, members in plan))
        for labels, read in wanted.items():
            scans[labels].has_read(read)

    async def _interval(self, service: Service, from_ms: int, now_ms: int) -> int:
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
