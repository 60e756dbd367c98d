"""``events``: how many events each slot had, by two queries, whatever the number of customers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.samples import UP
from sla_exporter.core.sli.events import Events, Slot, slots_of
from sla_exporter.core.windows import Window
from sla_exporter.flow.measuring.measurer import ARRIVAL_MS
from sla_exporter.flow.measuring.stepped import stepped
from sla_exporter.ports.measuring import Observation

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from sla_exporter.core.catalogue import Service
    from sla_exporter.core.samples import Cadence
    from sla_exporter.core.scan import Chunk
    from sla_exporter.ports import Labels
    from sla_exporter.ports.measuring import SampleSource

Slots = dict["Labels", list[Slot]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsMeasurer:
    """Counts good and all events of every slot."""

    source: SampleSource
    events: Events
    grid_ms: int

    @classmethod
    def of(cls, source: SampleSource, service: Service) -> EventsMeasurer:
        """Take a service whose kind is ``events``."""
        if not isinstance(service.sli, Events):
            raise TypeError(f"service {service.name} does not count events")
        return cls(source=source, events=service.sli, grid_ms=service.sli.interval_ms)

    async def interval_ms(self, from_ms: int, now_ms: int) -> int:  # noqa: ARG002 - the port's
        """Give the length of a slot, which is stated."""
        return self.grid_ms

    def lag_ms(self, cadence: Cadence) -> int:  # noqa: ARG002 - the port's
        """Wait until the samples of the last slot are in."""
        return ARRIVAL_MS

    async def look(self, chunk: Chunk) -> Slots:
        """Count all slots of the chunk; a slot is asked for at its end."""
        step_ms = chunk.cadence.interval_ms
        ends = Window(chunk.span.start_ms + step_ms, chunk.span.end_ms + step_ms)
        total = await self._counted(self.events.total, ends, step_ms)
        good = await self._counted(self.events.good, ends, step_ms)
        return {
            labels: slots_of(good.get(labels, {}), counts, step_ms)
            for labels, counts in total.items()
        }

    async def finish(self, chunk: Chunk, look: Slots, expected: AbstractSet[Labels]) -> Observation:
        """Judge the slots; an expected series without any is unknown."""
        states = {
            labels: self.events.state_of(look.get(labels, ()), chunk.span)
            for labels in look.keys() | expected
        }
        told = {k: state for k, state in states.items() if state != UP or k not in expected}
        if self.events.down_over is not None:
            return Observation(states=told)
        return Observation(states=told, slots={labels: look.get(labels, []) for labels in states})

    async def _counted(
        self, counter: str, ends: Window, step_ms: int
    ) -> dict[Labels, dict[int, Fraction]]:
        found: dict[Labels, dict[int, Fraction]] = {}
        query = self.events.count_of(counter)
        async for _, values in stepped(self.source, query, ends, step_ms):
            for labels, points in values.items():
                counts = found.setdefault(labels, {})
                counts.update((at, Fraction(value)) for at, value in points if value != "NaN")
        return found
