"""What engines do differently with one and the same query language, and how we ask each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sla_exporter.core.scan import Chunk

CLOSED_RANGE = "count_over_time(vector(0)[2s:1s])"
"""Counts 3 where a range includes its start, and 2 where it does not."""

METRICSQL = "duration_over_time(vector(0)[2s:1s], 1)"
"""Has an answer where MetricsQL is spoken, and is a mistake elsewhere."""


class Question(NamedTuple):
    """A query over windows, and its value at the end of a clean one, as engines write it."""

    query: str
    clean: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How an engine reads PromQL.

    In Prometheus 2, ranges include both of their ends, elsewhere only the later one.
    VictoriaMetrics speaks MetricsQL, and keeps several samples of one instant.
    """

    ranges_are_closed: bool
    speaks_metricsql: bool

    def scan(self, selector: str, chunk: Chunk) -> Question:
        """Ask which windows are not clean.

        Where MetricsQL is spoken that is settled by it: a window has no bad sample if its least one
        is 1. And it has no gap if its samples, from a max gap before it on, follow each other
        closely for longer than it lasts, because a gap would leave less than that.
        """
        if not self.speaks_metricsql:
            return self.over_time("sum", selector, chunk)
        gap_ms, length_ms = chunk.cadence.max_gap_ms, chunk.window_ms
        worst = f"min_over_time({selector}[{length_ms}ms])"
        followed = f"duration_over_time({selector}[{length_ms + gap_ms}ms], {_seconds(gap_ms)})"
        return Question(f"{worst} * ({followed} > bool {_seconds(length_ms)})", "1")

    def over_time(self, function: str, selector: str, chunk: Chunk) -> Question:
        """Ask for the sum or the count of the samples of windows."""
        length_ms = chunk.window_ms - self.ranges_are_closed
        query = f"{function}_over_time({selector}[{length_ms}ms])"
        return Question(query, str(chunk.samples_per_window))


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03}"
