"""A sample source made of lists: it answers as Prometheus does, on data that tests can draw."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from sla_exporter.core.windows import clip
from sla_exporter.errors import SourceUnavailable
from sla_exporter.ports.measuring import ScanAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sla_exporter.core.catalogue import Service
    from sla_exporter.core.scan import Chunk, Sample
    from sla_exporter.core.windows import Window, Windows
    from sla_exporter.ports import Labels, Value


class ListedSamples:
    """Holds the samples of every series; ``fail_after`` requests it is down."""

    def __init__(self, series: Mapping[Labels, Sequence[Sample]]) -> None:
        self.series = dict(series)
        self.asked: Counter[str] = Counter()
        self.samples_read = 0
        self.fail_after: int | None = None
        self.held_ms = 0
        self.listed_values: dict[str, dict[Labels, list[Value]]] = {}

    async def samples(
        self, service: Service, span: Window, needed: Mapping[Labels, Windows] | None = None
    ) -> dict[Labels, list[Sample]]:
        self._count("samples")
        found = {
            labels: [
                point
                for part in clip((span,) if needed is None else needed.get(labels, ()), span)
                for point in _between(points, *part)
            ]
            for labels, points in self.series.items()
        }
        self.samples_read += sum(map(len, found.values()))
        return {labels: points for labels, points in found.items() if points}

    async def scan(self, service: Service, chunk: Chunk) -> ScanAnswer:
        self._count("scan")
        flagged, seen = self._windows(chunk, sum)
        return ScanAnswer(flagged=flagged, samples_seen=seen)

    async def miscounted(self, service: Service, chunk: Chunk) -> dict[Labels, list[int]]:
        self._count("miscounted")
        return self._windows(chunk, len)[0]

    def _windows(
        self, chunk: Chunk, measure: Callable[[list[bool]], int]
    ) -> tuple[dict[Labels, list[int]], int]:
        found: dict[Labels, list[int]] = {}
        seen = 0
        for labels, points in self.series.items():
            windows = {
                end: [up for _, up in _between(points, end - chunk.window_ms, end)]
                for end in chunk.window_ends
            }
            seen += sum(map(len, windows.values()))
            odd = [end for end, ups in windows.items() if measure(ups) != chunk.samples_per_window]
            if odd and any(windows.values()):
                found[labels] = odd
        return found, seen

    async def interval_ms(self, service: Service, at_ms: int) -> int | None:
        self._count("interval_ms")
        return None

    async def values(self, expression: str, at: range) -> dict[Labels, list[Value]]:
        self._count("values")
        listed = self.listed_values.get(expression, {})
        found = {k: [(t, v) for t, v in points if t in at] for k, points in listed.items()}
        return {labels: points for labels, points in found.items() if points}

    async def held_from_ms(self, selectors: Sequence[str], span: Window) -> int:
        return max(span.start_ms, self.held_ms)

    def _count(self, what: str) -> None:
        if self.fail_after is not None and self.asked.total() >= self.fail_after:
            raise SourceUnavailable("the engine is away")
        self.asked[what] += 1


def _between(points: Sequence[Sample], start_ms: int, end_ms: int) -> list[Sample]:
    """Give the samples in (start, end]."""

    def index(at_ms: int) -> int:
        return bisect_right(points, at_ms, key=lambda point: point[0])

    return list(points[index(start_ms) : index(end_ms)])
