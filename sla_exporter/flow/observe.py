"""Observe: from Prometheus to windows, one scan per service, from its watermark on.

Time is read twice. Fresh time is read as soon as its samples are in, for everything that shows how
things stand. Time older than ``settle_after`` is read once more, when late samples have arrived,
and only then may it be settled. Either pass works in chunks; a chunk and the watermark that says so
are one transaction, so a crash costs at most one chunk of work.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import structlog

from sla_exporter.core.due import needed_from_ms
from sla_exporter.core.samples import UP, Cadence, SeriesState
from sla_exporter.core.scan import Chunk, SeriesScan, chunks, reading_plan
from sla_exporter.core.windows import Window, Windows
from sla_exporter.errors import NotReady, SlaExporterError
from sla_exporter.ports import Watermark, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sla_exporter.core.catalogue import Catalogue, Service
    from sla_exporter.core.scan import Sample
    from sla_exporter.ports import Labels, ObservationStore, Progress, SampleSource, ScanAnswer

_log = structlog.get_logger(__name__)

# A sample is looked for this long after its time before it counts as missing; engines that take
# samples over the network show them late (VictoriaMetrics: 30 s).
ARRIVAL_MS = 45_000
_BUCKET_MS = 12 * 3_600_000
_SAMPLES_AN_ANSWER = 500_000
_READS_AT_ONCE = 4


class Task(NamedTuple):
    """A chunk to be observed, and the watermark once it is."""

    chunk: Chunk
    mark: Watermark


class Look(NamedTuple):
    """What a first look at a chunk shows: samples before either end, and the scan."""

    at_start: Mapping[Labels, Sequence[Sample]]
    at_end: Mapping[Labels, Sequence[Sample]]
    answer: ScanAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Observes services; stateless but for its adapters."""

    source: SampleSource
    store: ObservationStore
    settle_after_ms: int
    progress: Progress = silent

    async def observe_all(
        self, catalogue: Catalogue, now_ms: int, label: str | None = None
    ) -> None:
        """Observe every service that has contracts; one that fails does not stop the others.

        Raises:
            SlaExporterError: the first failure, once all services had their turn.
        """
        failures: list[SlaExporterError] = []
        for service in catalogue.services.values():
            from_ms = needed_from_ms(catalogue, service.name, now_ms, self.settle_after_ms, label)
            if from_ms is None:
                continue
            try:
                await self.observe(service, from_ms, now_ms)
            except SlaExporterError as error:
                _log.warning("service not observed", service=service.name, error=str(error))
                failures.append(error)
        if failures:
            raise failures[0]

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
        cadence = Cadence.of(mark.interval_ms, service.max_gap_ms)
        if from_ms < mark.from_ms:
            mark = await self._observe_chunks(service, _earlier(mark, from_ms, cadence)) or mark
        arrived_ms = now_ms - 2 * cadence.max_gap_ms - ARRIVAL_MS
        settled_ms = min(now_ms - self.settle_after_ms, arrived_ms)
        plan = [*_final(mark, settled_ms, cadence)]
        plan += _fresh(plan[-1].mark if plan else mark, arrived_ms, cadence)
        return await self._observe_chunks(service, plan) or mark

    async def _observe_chunks(self, service: Service, plan: Sequence[Task]) -> Watermark | None:
        """Observe chunk by chunk; while one is worked on, Prometheus looks through the next."""
        ahead: asyncio.Task[Look] | None = None
        try:
            for number, (task, following) in enumerate(zip_longest(plan, plan[1:]), 1):
                look = ahead or asyncio.create_task(self._look(service, task.chunk))
                ahead = following and asyncio.create_task(self._look(service, following.chunk))
                states = await self._states(service, task.chunk, await look)
                await self.store.record(service.name, task.chunk.span, states, task.mark)
                self.progress(f"measuring {service.name}", number, len(plan))
        finally:
            if ahead:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)
        return plan[-1].mark if plan else None

    async def _look(self, service: Service, chunk: Chunk) -> Look:
        """Scan a chunk, and read the samples before either end of it."""
        gap = chunk.cadence.max_gap_ms
        start, end = chunk.span
        return Look(
            *await asyncio.gather(
                self.source.samples(service, Window(start - gap, start)),
                self.source.samples(service, Window(end - gap, end)),
                self.source.scan(service, chunk),
            )
        )

    async def _states(
        self, service: Service, chunk: Chunk, look: Look
    ) -> Mapping[Labels, SeriesState]:
        """Give the state of every series that was not up throughout, or is new."""
        expected = await self.store.known_series(service.name)
        flagged = look.answer.flagged
        scans = {
            labels: SeriesScan(
                chunk=chunk,
                flagged_at=flagged.get(labels, ()),
                at_start=look.at_start.get(labels, ()),
                at_end=look.at_end.get(labels, ()),
            )
            for labels in expected | flagged.keys() | look.at_start.keys() | look.at_end.keys()
        }
        await self._read_wanted(service, chunk, scans)
        held = sum(scan.samples_in_windows() for scan in scans.values())
        if look.answer.samples_seen != held:
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
        plan = reading_plan(wanted, chunk.cadence, _BUCKET_MS, _SAMPLES_AN_ANSWER)
        permits = asyncio.Semaphore(_READS_AT_ONCE)

        async def read_one(hull: Window, needed: Mapping[Labels, Windows]) -> None:
            async with permits:
                found = await self.source.samples(service, hull, needed)
                for labels in needed:
                    scans[labels].take(found.get(labels, ()))

        await asyncio.gather(*(read_one(hull, needed) for hull, needed in plan))
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


def _final(mark: Watermark, until_ms: int, cadence: Cadence) -> Iterator[Task]:
    """Plan to read for good what is old enough."""
    for chunk in chunks(Window(mark.final_until_ms, until_ms), cadence):
        end = chunk.span.end_ms
        mark = replace(mark, final_until_ms=end, fresh_until_ms=max(end, mark.fresh_until_ms))
        yield Task(chunk, mark)


def _fresh(mark: Watermark, until_ms: int, cadence: Cadence) -> Iterator[Task]:
    """Plan to read what was never read."""
    for chunk in chunks(Window(mark.fresh_until_ms, until_ms), cadence):
        mark = replace(mark, fresh_until_ms=chunk.span.end_ms)
        yield Task(chunk, mark)


def _earlier(mark: Watermark, from_ms: int, cadence: Cadence) -> list[Task]:
    """Plan to read what lies before the first observation, from late to early."""
    # Chunks may leave two intervals over; starting as much earlier, they cover all of it.
    found = list(chunks(Window(from_ms - 2 * cadence.interval_ms, mark.from_ms), cadence))
    by = mark.from_ms - found[-1].span.end_ms if found else 0
    plan: list[Task] = []
    for chunk in reversed(found):
        span = Window(chunk.span.start_ms + by, chunk.span.end_ms + by)
        mark = replace(mark, from_ms=span.start_ms)
        plan.append(Task(replace(chunk, span=span), mark))
    return plan
