"""A notation for samples and windows that a person can read at a glance.

``"111..01"`` are seven slots of one interval: a good sample is ``1``, a bad one ``0``, a missing
one ``.``; a state is drawn the same way with ``-`` for up, ``#`` for down, ``?`` for unknown.
"""

from __future__ import annotations

from itertools import groupby

from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window

I = 1_000  # noqa: E741 - the interval of every drawing, in milliseconds


def samples(drawing: str, start_ms: int = 0, interval_ms: int = I) -> list[tuple[int, bool]]:
    """Read a drawing of samples."""
    slots = drawing.replace(" ", "")
    return [
        (start_ms + index * interval_ms, mark == "1")
        for index, mark in enumerate(slots)
        if mark != "."
    ]


def state(drawing: str, start_ms: int = 0, interval_ms: int = I) -> SeriesState:
    """Read a drawing of a state."""
    found: dict[str, list[Window]] = {"-": [], "#": [], "?": []}
    position = start_ms
    for mark, run in groupby(drawing.replace(" ", "")):
        end = position + len(list(run)) * interval_ms
        found[mark].append(Window(position, end))
        position = end
    return SeriesState(down=tuple(found["#"]), unknown=tuple(found["?"]))
