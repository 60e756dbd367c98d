"""The affected share: asked for where something was down, and nowhere else."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.affected import ONE, Partial, partials
from sla_exporter.core.windows import Window, tidy
from sla_exporter.errors import QueryRejected
from sla_exporter.flow.measuring.stepped import stepped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.samples import Cadence, SeriesState
    from sla_exporter.core.windows import Windows
    from sla_exporter.ports import Labels, Value
    from sla_exporter.ports.measuring import SampleSource

_NEAR_STEPS = 500
_ROUNDING = 1e-9  # what floating point may add to a share that is whole


async def read_affected(
    source: SampleSource, expression: str, states: Mapping[Labels, SeriesState], cadence: Cadence
) -> dict[Labels, list[Partial]]:
    """Give the stretches of downtime of which the expression says a share under 1.

    It is evaluated at whole multiples of the interval; where it says nothing, all are affected.
    """
    step_ms = cadence.interval_ms
    down = tidy(window for state in states.values() for window in state.down)
    found: dict[Labels, list[Partial]] = {}
    for span in _spans(down, step_ms):
        async for _, values in stepped(source, expression, span, step_ms):
            for labels, points in values.items():
                shares = _shares(expression, points)
                found.setdefault(labels, []).extend(partials(shares, step_ms, down))
    return {labels: pieces for labels, pieces in found.items() if pieces}


def _spans(down: Windows, step_ms: int) -> list[Window]:
    """Widen downtime to whole steps; what lies close together is one query."""
    near_ms = _NEAR_STEPS * step_ms
    joined = tidy((start, end + near_ms) for start, end in down)
    return [
        Window(start // step_ms * step_ms, -(-(end - near_ms) // step_ms) * step_ms)
        for start, end in joined
    ]


def _shares(expression: str, points: Sequence[Value]) -> list[tuple[int, Fraction]]:
    """Take values for shares; a division by nothing says nothing, be it NaN or infinite."""
    found: list[tuple[int, Fraction]] = []
    for at, value in points:
        share = float(value)
        if not math.isfinite(share):
            continue
        if not -_ROUNDING <= share <= 1 + _ROUNDING:
            raise QueryRejected(
                f"{expression} gives {value}; an affected share lies between 0 and 1"
            )
        found.append((at, min(max(Fraction(value), Fraction(0)), ONE)))
    return found
