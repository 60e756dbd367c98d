"""An observation store that forgets: for dry runs, which write nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.core.windows import Window, replace_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_exporter.ports import Labels, Watermark


class MemoryObservations:
    """The observation store in memory; one that starts empty measures everything anew."""

    def __init__(self) -> None:
        self._watermarks: dict[str, Watermark] = {}
        self._states: dict[str, dict[Labels, SeriesState]] = {}

    async def watermark(self, service: str) -> Watermark | None:
        """Say how far the service was observed."""
        return self._watermarks.get(service)

    async def known_series(self, service: str) -> set[Labels]:
        """Give the series that were seen before."""
        return set(self._states.get(service, ()))

    async def record(
        self,
        service: str,
        span: Window,
        states: Mapping[Labels, SeriesState],
        watermark: Watermark,
    ) -> None:
        """Replace what was known inside the span."""
        known = self._states.setdefault(service, {})
        unseen = SeriesState(unknown=watermark.outside(span))
        for labels in known.keys() | states.keys():
            before, now = known.get(labels, unseen), states.get(labels, UP)
            known[labels] = SeriesState(
                down=replace_within(before.down, span, now.down),
                unknown=replace_within(before.unknown, span, now.unknown),
            )
        self._watermarks[service] = watermark

    async def states(self, service: str, span: Window) -> Mapping[Labels, SeriesState]:
        """Give all series with their non-up windows that touch the span."""

        def touches(window: Window) -> bool:
            return window.end_ms >= span.start_ms and window.start_ms <= span.end_ms

        return {
            labels: SeriesState(
                down=tuple(filter(touches, state.down)),
                unknown=tuple(filter(touches, state.unknown)),
            )
            for labels, state in self._states.get(service, {}).items()
        }
