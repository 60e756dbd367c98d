"""Rows of a table, as texts write them: open or closed on either side, with holes and overlaps.

A row without a lower bound stands for all that lies below it and is not in a lower row. Where the
bounds of a table leave a hole, or claim the same value twice, the table does not say what is due,
and neither do we, unless the policy says how its text is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Protocol, TypeVar

from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.reasoning import Duration, Share

Bound = Share | Duration | int | None


class Holes(StrEnum):
    """How a hole in a table is read; a table that says nothing about it is flagged too."""

    FLAG = "flag"
    NOTHING = "nothing"
    LOWER = "lower row"  # the row with the smaller values
    HIGHER = "higher row"


class Overlaps(StrEnum):
    """How two rows that claim the same value are read; by default they are flagged too."""

    FLAG = "flag"
    LOWER = "lower row"
    HIGHER = "higher row"


class Row(Protocol):
    """At least and below are the usual bounds; above and up to the unusual ones."""

    @property
    def pays(self) -> Pay:
        """What the row pays."""

    @property
    def at_least(self) -> Bound:
        """The smallest value in the row."""

    @property
    def above(self) -> Bound:
        """The largest value under the row."""

    @property
    def below(self) -> Bound:
        """The smallest value over the row."""

    @property
    def up_to(self) -> Bound:
        """The largest value in the row."""


R = TypeVar("R", bound=Row)


def magnitude(bound: Bound) -> Fraction | int | None:
    """Give a bound as a number that can be compared."""
    if bound is None or isinstance(bound, int):
        return bound
    return bound.value if isinstance(bound, Share) else bound.ms


def limits(row: Row) -> tuple[Fraction | int | None, Fraction | int | None]:
    """Give the lower and the upper limit of a row, whichever way they are closed."""
    low = row.at_least if row.at_least is not None else row.above
    high = row.below if row.below is not None else row.up_to
    return magnitude(low), magnitude(high)


def covers(row: Row, value: Fraction | int) -> bool:
    """Say whether a value lies within the bounds of a row."""
    return (
        ((below := magnitude(row.below)) is None or value < below)
        and ((at_least := magnitude(row.at_least)) is None or value >= at_least)
        and ((above := magnitude(row.above)) is None or value > above)
        and ((up_to := magnitude(row.up_to)) is None or value <= up_to)
    )


def matching(rows: Sequence[R], value: Fraction | int) -> list[R]:
    """Give the rows that claim a value; of rows without a lower bound, only the lowest one."""
    found = [row for row in rows if covers(row, value)]
    closed = [row for row in found if limits(row)[0] is not None]
    if closed or len(found) < 2:
        return closed or found
    return [min(found, key=_height)]


def chosen(
    rows: Sequence[R], value: Fraction | int, holes: Holes | None, overlaps: Overlaps | None
) -> R | Holes | Overlaps:
    """Give the row that applies; or what is wrong, if the policy does not say how to read it."""
    found = matching(rows, value)
    if len(found) == 1:
        return found[0]
    if found:
        if overlaps in {None, Overlaps.FLAG}:
            return Overlaps.FLAG
        return (min if overlaps is Overlaps.LOWER else max)(found, key=_height)
    if holes in {None, Holes.FLAG, Holes.NOTHING}:
        return holes or Holes.FLAG
    if holes is Holes.LOWER:
        under = [row for row in rows if (high := limits(row)[1]) is not None and high <= value]
        return max(under, key=_height, default=Holes.NOTHING)
    over = [row for row in rows if (low := limits(row)[0]) is not None and low >= value]
    return min(over, key=_height, default=Holes.NOTHING)


def _height(row: Row) -> tuple[bool, Fraction | int]:
    high = limits(row)[1]
    return high is None, 0 if high is None else high
