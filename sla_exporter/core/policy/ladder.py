"""A table as a whole: how its rows read one after the other, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from sla_exporter.core.policy.formula import Flaw
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.policy.rows import (
    Bound,
    Holes,
    Overlaps,
    Row,
    chosen,
    limits,
    magnitude,
    matching,
)
from sla_exporter.core.reasoning import Duration, Fact, Share, Step, step


def row_steps(rows: Sequence[Row]) -> tuple[tuple[Step, Pay], ...]:
    """Say of every row when it applies, the way a table of terms is read."""
    return tuple((_condition(row, rows), row.pays) for row in rows)


def _condition(row: Row, rows: Sequence[Row]) -> Step:
    low, low_code = _first(row.at_least, "at_least", row.above, "above")
    high, high_code = _first(row.below, "below", row.up_to, "up_to")
    if low is None:
        low, low_code = _top_of_the_next(row, rows)
    facts: dict[str, Fact] = {}
    if low is not None:
        facts["low"] = low
    if high is not None:
        facts["high"] = high
    return step("_".join(["when", *filter(None, (low_code, high_code))]), **facts)


def _first(one: Bound, code: str, other: Bound, other_code: str) -> tuple[Bound, str]:
    if one is not None:
        return one, code
    return (other, other_code) if other is not None else (None, "")


def _top_of_the_next(row: Row, rows: Sequence[Row]) -> tuple[Bound, str]:
    """Give where the next lower row ends: a row without a lower bound begins there."""
    high = limits(row)[1]
    under = [r for r in rows if (top := limits(r)[1]) is not None and (high is None or top < high)]
    if not under:
        return None, ""
    nearest = max(under, key=lambda r: limits(r)[1] or 0)
    if nearest.below is not None:
        return nearest.below, "at_least"
    return nearest.up_to, "above"


class Domain(NamedTuple):
    """The values that are looked up: from ``low`` to ``high``, each included or not."""

    low: Fraction | int
    high: Fraction | int
    with_low: bool
    with_high: bool
    unit: type[Share | Duration | int]


def row_flaws(
    rows: Sequence[Row], domain: Domain, holes: Holes | None, overlaps: Overlaps | None
) -> Iterator[Flaw]:
    """Say which values no row or several rows claim, and which rows never apply."""
    pieces = list(_pieces(rows, domain))
    for code, is_so, decided in (
        ("rows_hole", _is_hole, holes),
        ("rows_overlap", _is_overlap, overlaps),
    ):
        told = decided in {None, Holes.FLAG, Overlaps.FLAG}
        for low, high in _stretches([p for p in pieces if told and is_so(rows, p.inside)]):
            facts = {"low": _fact(low, domain), "high": _fact(high, domain)}
            said = step(code if low != high else f"{code}_at", **facts)
            yield Flaw(said=said, path=("credit",), wrong=decided is None)
    for row in rows:
        if not any(row in _choice(rows, piece.inside, holes, overlaps) for piece in pieces):
            yield Flaw(said=step("row_never", pays=row.pays), path=("credit",))
    yield from _falls(rows, pieces, domain)


def _falls(rows: Sequence[Row], pieces: Sequence[_Piece], domain: Domain) -> Iterator[Flaw]:
    """Say where more downtime pays less."""
    worse = reversed(pieces) if domain.unit is Share else pieces
    decided = [found[0] for piece in worse if len(found := matching(rows, piece.inside)) == 1]
    for better, row in pairwise(decided):
        if row.pays.unit is better.pays.unit and row.pays.amount < better.pays.amount:
            said = step("row_pays_less", pays=row.pays, better=better.pays)
            yield Flaw(said=said, path=("credit",))


class _Piece(NamedTuple):
    """A stretch between two bounds, or a bound itself, and a value inside it."""

    low: Fraction | int
    high: Fraction | int
    inside: Fraction | int


def _pieces(rows: Sequence[Row], domain: Domain) -> Iterator[_Piece]:
    bounds = {value for row in rows for value in limits(row) if value is not None}
    marks = sorted(
        {domain.low, domain.high, *(b for b in bounds if domain.low <= b <= domain.high)}
    )
    if domain.with_low:
        yield _Piece(marks[0], marks[0], marks[0])
    for low, high in pairwise(marks):
        if domain.unit is int:
            yield from (_Piece(n, n, n) for n in range(int(low) + 1, int(high)))
        else:
            yield _Piece(low, high, Fraction(low + high) / 2)
        if high != domain.high or domain.with_high:
            yield _Piece(high, high, high)


def _is_hole(rows: Sequence[Row], value: Fraction | int) -> bool:
    return not matching(rows, value)


def _is_overlap(rows: Sequence[Row], value: Fraction | int) -> bool:
    return len(matching(rows, value)) > 1


def _choice(
    rows: Sequence[Row], value: Fraction | int, holes: Holes | None, overlaps: Overlaps | None
) -> list[Row]:
    """Give the row that applies; while it is undecided, every row that might."""
    row = chosen(rows, value, holes, overlaps)
    return matching(rows, value) if isinstance(row, Holes | Overlaps) else [row]


def _stretches(pieces: Sequence[_Piece]) -> Iterator[tuple[Fraction | int, Fraction | int]]:
    """Join pieces that touch."""
    start: Fraction | int | None = None
    end: Fraction | int = 0
    for piece in pieces:
        if start is None:
            start, end = piece.low, piece.high
        elif piece.low == end:
            end = piece.high
        else:
            yield start, end
            start, end = piece.low, piece.high
    if start is not None:
        yield start, end


def _fact(value: Fraction | int, domain: Domain) -> Fact:
    if domain.unit is Share:
        return Share(Fraction(value))
    return Duration(int(value)) if domain.unit is Duration else int(value)


def highest_bound(rows: Sequence[Row]) -> Fraction | int:
    """Give the largest number that a table names."""
    bounds = [magnitude(b) for r in rows for b in (r.at_least, r.above, r.below, r.up_to)]
    return max((bound for bound in bounds if bound is not None), default=1)
