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
    from collections.abc import Iterator, Sequence

    from sla_exporter.core.windows import Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many of the known series must be down: a number, or ``None`` for all of them.

    With fewer known series than that number, or than ``min_known``, the state is unknown.
    """

    at_least: int | None = None
    min_known: int = 1

    def state_of(self, known: int, down: int) -> Literal["down", "unknown"] | None:
        """Decide one instant: ``"down"``, ``"unknown"``, or ``None`` for up."""
        needed = known if self.at_least is None else self.at_least
        if known < max(needed, self.min_known, 1):
            return "unknown"
        return "down" if down >= needed else None


ALL = Quorum()
ANY = Quorum(at_least=1)


def combine(states: Sequence[SeriesState], quorum: Quorum, span: Window) -> SeriesState:
    """Join the states of a contract's series within the span; without any series it is unknown."""
    if not states:
        return never_seen(span)
    if len(states) == 1 and quorum.at_least in (None, 1) and quorum.min_known <= 1:
        return states[0].within(span)
    pieces: dict[str | None, list[Window]] = {"down": [], "unknown": [], None: []}
    for window, known, down in _census(states, span):
        pieces[quorum.state_of(known, down)].append(window)
    return SeriesState(down=tidy(pieces["down"]), unknown=tidy(pieces["unknown"]))


def disagreements(states: Sequence[SeriesState], quorum: Quorum, span: Window) -> Windows:
    """Give the time in which some series were down while their contract counted as up."""
    if len(states) < 2:
        return ()
    return tidy(
        window
        for window, known, down in _census(states, span)
        if down and quorum.state_of(known, down) is None
    )


def _census(states: Sequence[SeriesState], span: Window) -> Iterator[tuple[Window, int, int]]:
    """Cut the span where anything changes; count who is known, and who of them is down."""
    changes: dict[int, tuple[int, int]] = {span.start_ms: (0, 0), span.end_ms: (0, 0)}
    for state in states:
        for start, end in clip(state.down, span):
            _count(changes, start, end, down=1, unknown=0)
        for start, end in clip(state.unknown, span):
            _count(changes, start, end, down=0, unknown=1)
    down = unknown = 0
    for start, end in pairwise(sorted(changes)):
        down += changes[start][0]
        unknown += changes[start][1]
        yield Window(start, end), len(states) - unknown, down


def _count(
    changes: dict[int, tuple[int, int]], start: int, end: int, *, down: int, unknown: int
) -> None:
    for at, sign in ((start, 1), (end, -1)):
        old_down, old_unknown = changes.get(at, (0, 0))
        changes[at] = (old_down + sign * down, old_unknown + sign * unknown)
