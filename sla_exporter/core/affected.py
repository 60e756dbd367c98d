"""Outages that hit only a part: which share of the users, and when."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.windows import Window, intersect, subtract, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sla_exporter.core.windows import Windows

ONE = Fraction(1)


class Partial(NamedTuple):
    """A stretch of time and the share of users that an outage hit in it, less than 1."""

    window: Window
    share: Fraction


def partials(values: Iterable[tuple[int, Fraction]], step_ms: int, down: Windows) -> list[Partial]:
    """Cut values at steps, each standing for its own step, to the downtime; whole shares go."""
    by_share: dict[Fraction, list[tuple[int, int]]] = {}
    for at, share in values:
        if share < 1:
            by_share.setdefault(share, []).append((at, at + step_ms))
    return sorted(
        Partial(window, share)
        for share, windows in by_share.items()
        for window in intersect(tidy(windows), down)
    )


def weighted(down: Windows, series: Sequence[Sequence[Partial]]) -> list[Partial]:
    """Give downtime with its share: where several series speak, the largest; where none, all."""
    found: list[Partial] = []
    left = down
    pieces: dict[Fraction, Windows] = {}
    for share in {partial.share for partials_ in series for partial in partials_}:
        pieces[share] = _at_most(share, series)
    # A moment has a share no larger than this if every series that speaks of it says so.
    for share in sorted(pieces):
        found.extend(Partial(window, share) for window in intersect(left, pieces[share]))
        left = subtract(left, pieces[share])
    return sorted((*found, *(Partial(window, ONE) for window in left)))


def _at_most(share: Fraction, series: Sequence[Sequence[Partial]]) -> Windows:
    common: Windows | None = None
    for known in series:
        windows = tidy(partial.window for partial in known if partial.share <= share)
        common = windows if common is None else intersect(common, windows)
    return common or ()


def replaced_within(old: Iterable[Partial], span: Window, new: Iterable[Partial]) -> list[Partial]:
    """Forget what was known inside the span, and put the new stretches there."""
    kept = (
        Partial(window, partial.share)
        for partial in old
        for window in subtract((partial.window,), (span,))
    )
    added = (
        Partial(window, partial.share)
        for partial in new
        for window in intersect((partial.window,), (span,))
    )
    return sorted((*kept, *added))
