"""An observation store that forgets: for dry runs, which write nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core import affected
from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.core.sli import events
from sla_exporter.core.windows import Window, replace_within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from sla_exporter.core.affected import Partial
    from sla_exporter.core.sli.events import Slot
    from sla_exporter.ports import Labels
    from sla_exporter.ports.measuring import Observation, Watermark


class MemoryObservations:
    """The observation store in memory; one that starts empty measures everything anew."""

    def __init__(self) -> None:
        self._watermarks: dict[str, Watermark] = {}
        self._states: dict[str, dict[Labels, SeriesState]] = {}
        self._slots: dict[str, dict[Labels, list[Slot]]] = {}
        self._affected: dict[str, dict[Labels, list[Partial]]] = {}

    async def watermark(self, service: str) -> Watermark | None:
        """Say how far the service was observed."""
        return self._watermarks.get(service)

    async def known_series(self, service: str) -> AbstractSet[Labels]:
        """Give the series that were seen before."""
        return set(self._states.get(service, ()))

    async def record(
        self, service: str, span: Window, found: Observation, watermark: Watermark
    ) -> None:
        """Replace what was known inside the span."""
        states = found.states
        known = self._states.setdefault(service, {})
        unseen = SeriesState(unknown=watermark.outside(span))
        for labels in known.keys() | states.keys():
            before, now = known.get(labels, unseen), states.get(labels, UP)
            known[labels] = SeriesState(
                down=replace_within(before.down, span, now.down),
                unknown=replace_within(before.unknown, span, now.unknown),
            )
        slots = self._slots.setdefault(service, {})
        for labels, counted in found.slots.items():
            slots[labels] = events.replaced_within(slots.get(labels, ()), span, counted)
        partials = self._affected.setdefault(service, {})
        for labels in partials.keys() | found.affected.keys():
            old, new = partials.get(labels, ()), found.affected.get(labels, ())
            partials[labels] = affected.replaced_within(old, span, new)
        self._watermarks[service] = watermark

    async def states(self, service: str, span: Window) -> Mapping[Labels, SeriesState]:
        """Give all series of the service with their non-up windows that touch the span."""
        return {
            labels: SeriesState(
                down=tuple(window for window in state.down if _touch(window, span)),
                unknown=tuple(window for window in state.unknown if _touch(window, span)),
            )
            for labels, state in self._states.get(service, {}).items()
        }

    async def slots(self, service: str, span: Window) -> Mapping[Labels, Sequence[Slot]]:
        """Give the slots of counted events that touch the span."""
        known = self._slots.get(service, {})
        return {k: [s for s in slots if _touch(s.window, span)] for k, slots in known.items()}

    async def affected(self, service: str, span: Window) -> Mapping[Labels, Sequence[Partial]]:
        """Give the stretches of downtime that hit only a share."""
        known = self._affected.get(service, {})
        found = {k: [p for p in parts if _touch(p.window, span)] for k, parts in known.items()}
        return {labels: partials for labels, partials in found.items() if partials}


def _touch(window: Window, span: Window) -> bool:
    return window.end_ms >= span.start_ms and window.start_ms <= span.end_ms
