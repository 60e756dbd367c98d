"""Reading an expression at every step of a stretch of time, a bounded number of values at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from sla_exporter.core.windows import Window
    from sla_exporter.ports import Labels, Value
    from sla_exporter.ports.measuring import SampleSource

_VALUES_AN_ANSWER = 400_000
_FIRST_SERIES = 2_000  # before the first answer, nobody knows how many there are


async def stepped(
    source: SampleSource, expression: str, span: Window, step_ms: int
) -> AsyncIterator[tuple[range, Mapping[Labels, Sequence[Value]]]]:
    """Evaluate at the start of every step of the span, in pieces, in order of time."""
    position, series = span.start_ms, _FIRST_SERIES
    while position < span.end_ms:
        length = max(1, _VALUES_AN_ANSWER // max(series, 1)) * step_ms
        at = range(position, min(position + length, span.end_ms), step_ms)
        values = await source.values(expression, at)
        yield at, values
        series = len(values)
        position = at[-1] + step_ms
