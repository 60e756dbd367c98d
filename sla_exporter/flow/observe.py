"""Observe: from Prometheus to windows, one scan per service, from its watermark on.

Time is read twice. Fresh time is read as soon as its samples are in, for everything that shows how
things stand. Time older than ``settle_after`` is read once more, when late samples have arrived,
and only then may it be settled. Either pass works in chunks; a chunk and the watermark that says so
are one transaction, so a crash costs at most one chunk of work.

Time whose samples the engine has deleted is never read: what would come back is not the truth. It
keeps what an earlier pass found, or is noted as unread.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from sla_exporter.core.due import needed_from_ms
from sla_exporter.core.samples import never_seen
from sla_exporter.core.scan import Chunk, chunks
from sla_exporter.core.sli.events import Events
from sla_exporter.core.sli.probe import Probe
from sla_exporter.core.windows import Window, tidy
from sla_exporter.errors import SlaExporterError
from sla_exporter.flow.measuring.affected import read_affected
from sla_exporter.flow.measuring.cadence import (
    HOUR_MS,
    cadence_of,
    fitting_interval_ms,
    former_cadence,
)
from sla_exporter.flow.measuring.kinds import measurer_of
from sla_exporter.ports import silent
from sla_exporter.ports.measuring import Observation, Watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from sla_exporter.core.catalogue import Catalogue, Service
    from sla_exporter.core.samples import Cadence
    from sla_exporter.flow.measuring.measurer import Measurer
    from sla_exporter.ports import Labels, Progress
    from sla_exporter.ports.measuring import ObservationStore, SampleSource

_log = structlog.get_logger(__name__)


class Task(NamedTuple):
    """A chunk to be observed, and the watermark once it is."""

    chunk: Chunk
    mark: Watermark


def uncounted(service: str, reason: str) -> None:
    """Count nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Observes services; keeps nothing that it could not read again.

    ``failed`` is told the service and the reason of every failure.
    """

    source: SampleSource
    store: ObservationStore
    settle_after_ms: int
    progress: Progress = silent
    failed: Callable[[str, str], None] = uncounted
    _measurers: dict[Service, Measurer[Any]] = field(default_factory=dict)
    _inferred_at: dict[Service, int] = field(default_factory=dict)

    async def observe_all(
        self, catalogue: Catalogue, now_ms: int, label: str | None = None
    ) -> None:
        """Observe every service that has contracts; one that fails does not stop the others.

        Raises:
            Exception: the first failure, once all services had their turn.
        """
        failures: list[Exception] = []
        for service in catalogue.services.values():
            from_ms = needed_from_ms(catalogue, service.name, now_ms, self.settle_after_ms, label)
            if from_ms is None:
                continue
            try:
                await self.observe(service, from_ms, now_ms)
            except SlaExporterError as error:
                _log.warning("service not observed", service=service.name, error=str(error))
                self.failed(service.name, error.reason)
                failures.append(error)
            except Exception as error:  # noqa: BLE001 - the loop's edge: the others must go on
                _log.exception("service not observed, in a way it should not", service=service.name)
                self.failed(service.name, SlaExporterError.reason)
                failures.append(error)
        if failures:
            raise failures[0]

    async def observe(self, service: Service, from_ms: int, now_ms: int) -> Watermark:
        """Read what is new, as far as samples are in; start at ``from_ms`` if nothing was read yet.

        Raises:
            SourceError: nothing is lost then; the watermark stays at the last finished chunk.
            NotReady: if the scrape interval can be neither read from the service nor inferred, or
                is longer than the gap that the service states.
        """
        measurer = self._measurers.setdefault(service, measurer_of(self.source, service))
        from_ms -= from_ms % measurer.grid_ms
        mark, held_ms = await asyncio.gather(
            self.store.watermark(service.name),
            self._held_from(service, Window(from_ms, now_ms)),
        )
        if mark and mark.final_until_ms < from_ms:  # nothing was observed for long
            held_ms = await self._held_from(service, Window(mark.final_until_ms, now_ms))
        held_ms += -held_ms % measurer.grid_ms
        if mark is None:
            from_ms = max(from_ms, held_ms)
            mark = Watermark(
                interval_ms=await measurer.interval_ms(from_ms, now_ms),
                from_ms=from_ms,
                fresh_until_ms=from_ms,
                final_until_ms=from_ms,
            )
        else:
            mark = await self._past_deleted(service, mark, held_ms)
            mark = await self._at_new_interval(service, mark, now_ms)
            mark = _on_grid(mark, measurer.grid_ms)
        cadence = cadence_of(service, mark.interval_ms)
        from_ms = max(from_ms, min(held_ms, mark.from_ms))
        if from_ms < mark.from_ms:
            plan = _earlier(mark, from_ms, cadence, measurer.grid_ms)
            mark = await self._observe_chunks(service, measurer, plan) or mark
        arrived_ms = now_ms - measurer.lag_ms(cadence)
        settled_ms = min(now_ms - self.settle_after_ms, arrived_ms)
        plan = [*_final(mark, settled_ms, cadence)]
        plan += _fresh(plan[-1].mark if plan else mark, arrived_ms, cadence)
        return await self._observe_chunks(service, measurer, plan) or mark

    async def _at_new_interval(self, service: Service, mark: Watermark, now_ms: int) -> Watermark:
        """Take over an interval that is stated or inferred anew.

        Samples that came less often fit the old one only: what was read by it is read for good by
        it, and at once, for nobody knows later how far it reached.
        """
        interval_ms = service.interval_ms or await self._inferred_ms(service, mark, now_ms)
        if interval_ms == mark.interval_ms:
            return mark
        if isinstance(service.sli, Probe) and interval_ms < mark.interval_ms:
            old = former_cadence(service, mark.interval_ms)
            measurer = measurer_of(self.source, service)  # its own, as edges differ by cadence
            plan = [*_final(mark, mark.fresh_until_ms, old)]
            mark = await self._observe_chunks(service, measurer, plan) or mark
            mark = replace(mark, final_until_ms=mark.fresh_until_ms)
        return replace(mark, interval_ms=interval_ms)

    async def _inferred_ms(self, service: Service, mark: Watermark, now_ms: int) -> int:
        """Give the interval in use; once an hour, see whether it still fits."""
        if now_ms < self._inferred_at.get(service, now_ms - HOUR_MS) + HOUR_MS:
            return mark.interval_ms
        found = await fitting_interval_ms(service, mark.interval_ms, self.source, now_ms)
        self._inferred_at[service] = now_ms
        return found

    async def _held_from(self, service: Service, span: Window) -> int:
        sli = service.sli
        selectors = [sli.total] if isinstance(sli, Events) else [sli.selector]
        return await self.source.held_from_ms(selectors, span)

    async def _past_deleted(self, service: Service, mark: Watermark, held_ms: int) -> Watermark:
        """Move the watermark past what was deleted; what nobody had read is unknown for good."""
        if held_ms <= mark.final_until_ms:
            return mark
        unread = Window(mark.fresh_until_ms, max(held_ms, mark.fresh_until_ms))
        mark = replace(
            mark,
            final_until_ms=held_ms,
            fresh_until_ms=unread.end_ms,
            unread=tidy((*mark.unread, unread)),
        )
        _log.warning(
            "samples were deleted before they were read a second time",
            service=service.name,
            unread_s=unread.length_ms // 1000,
        )
        known = await self.store.known_series(service.name) if unread.length_ms else set()
        nothing = Observation(states=dict.fromkeys(known, never_seen(unread)))
        await self.store.record(service.name, unread, nothing, mark)
        return mark

    async def _observe_chunks(
        self, service: Service, measurer: Measurer[Any], plan: Sequence[Task]
    ) -> Watermark | None:
        """Observe chunk by chunk; while one is worked on, Prometheus looks through the next."""
        look: asyncio.Task[Any] | None = None
        ahead: asyncio.Task[Any] | None = None
        try:
            for number, (task, following) in enumerate(zip_longest(plan, plan[1:]), 1):
                look = ahead or asyncio.create_task(measurer.look(task.chunk))
                ahead = following and asyncio.create_task(measurer.look(following.chunk))
                known = await self.store.known_series(service.name)  # while Prometheus looks
                found = await self._found(service, measurer, task.chunk, await look, known)
                await self.store.record(service.name, task.chunk.span, found, task.mark)
                self.progress(f"measuring {service.name}", number, len(plan))
        except BaseException:
            # What it read ahead may be half of something; the next one starts from nothing.
            self._measurers.pop(service, None)
            raise
        finally:
            under_way = [one for one in (look, ahead) if one]
            for one in under_way:
                one.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        return plan[-1].mark if plan else None

    async def _found(
        self,
        service: Service,
        measurer: Measurer[Any],
        chunk: Chunk,
        look: Any,
        expected: AbstractSet[Labels],
    ) -> Observation:
        found = await measurer.finish(chunk, look, expected)
        if service.affected is None:
            return found
        affected = await read_affected(self.source, service.affected, found.states, chunk.cadence)
        return replace(found, affected=affected)


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


def _on_grid(mark: Watermark, grid_ms: int) -> Watermark:
    """Begin where a slot begins, should slots have had another length until now."""
    return replace(
        mark,
        fresh_until_ms=mark.fresh_until_ms - mark.fresh_until_ms % grid_ms,
        final_until_ms=mark.final_until_ms - mark.final_until_ms % grid_ms,
    )


def _earlier(mark: Watermark, from_ms: int, cadence: Cadence, grid_ms: int) -> list[Task]:
    """Plan to read what lies before the first observation, from late to early."""
    until_ms = mark.from_ms + -mark.from_ms % grid_ms
    # Chunks may leave two intervals over; starting as much earlier, they cover all of it.
    found = list(chunks(Window(from_ms - 2 * cadence.interval_ms, until_ms), cadence))
    by = until_ms - found[-1].span.end_ms if found else 0
    plan: list[Task] = []
    for chunk in reversed(found):
        span = Window(chunk.span.start_ms + by, chunk.span.end_ms + by)
        mark = replace(mark, from_ms=span.start_ms)
        plan.append(Task(replace(chunk, span=span), mark))
    return plan
