"""Several series for one contract: how their states become one.

A contract is down at an instant when at least ``quorum`` of the series that are *known* at that
instant are down. One vantage point's false alarm costs nothing then, and one whose prober died is
left out of the count.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from sla_exporter.core.samples import SeriesState, never_seen
from sla_exporter.core.windows import Window, clip, tidy

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many of the known series must be down: a number, or ``None`` for all of them.

    With fewer known series than that number (than one, for ``all``) the state is unknown.
    """

    at_least: int | None = None

    def state_of(self, known: int, down: int) -> Literal["down", "unknown"] | None:
        """Decide one instant: ``"down"``, ``"unknown"``, or ``None`` for up."""
        needed = known if self.at_least is None else self.at_least
        if known < max(needed, 1):
            return "unknown"
        return "down" if down >= needed else None


ALL = Quorum()
ANY = Quorum(at_least=1)


def combine(states: Sequence[SeriesState], quorum: Quorum, span: Window) -> SeriesState:
    """Join the states of a contract's series within the span; without any series it is unknown."""
    if not states:
        return never_seen(span)
    if len(states) == 1 and quorum.at_least in (None, 1):
        return states[0].within(span)
    changes: dict[int, tuple[int, int]] = {span.start_ms: (0, 0), span.end_ms: (0, 0)}
    for state in states:
        for start, end in clip(state.down, span):
            _count(changes, start, end, down=1, unknown=0)
        for start, end in clip(state.unknown, span):
            _count(changes, start, end, down=0, unknown=1)
    pieces: dict[str | None, list[Window]] = {"down": [], "unknown": [], None: []}
    moments = sorted(changes)
    down = unknown = 0
    for start, end in pairwise(moments):
        down += changes[start][0]
        unknown += changes[start][1]
        pieces[quorum.state_of(len(states) - unknown, down)].append(Window(start, end))
    return SeriesState(down=tidy(pieces["down"]), unknown=tidy(pieces["unknown"]))


def _count(
    changes: dict[int, tuple[int, int]], start: int, end: int, *, down: int, unknown: int
) -> None:
    for at, sign in ((start, 1), (end, -1)):
        old_down, old_unknown = changes.get(at, (0, 0))
        changes[at] = (old_down + sign * down, old_unknown + sign * unknown)
