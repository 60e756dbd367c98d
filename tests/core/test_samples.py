"""What samples say: drawings of the rule, and an oracle that judges every millisecond by itself."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.samples import Cadence, SeriesState, read_samples
from sla_exporter.core.windows import Window, tidy
from tests.notation import I, samples, state

CADENCE = Cadence.of(I)


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("1111111111", "----------"),
        ("1100111111", "--##------"),  # from the first bad sample to the first good one
        ("1111111100", "--------##"),
        ("0000000000", "##########"),
        ("11.1111111", "----------"),  # two intervals apart: within the gap of two and a half
        ("11..111111", "--??------"),  # three: the last sample stands for one interval only
        ("110...1111", "--#???----"),  # a bad sample stands for no more than a good one
        ("11........", "--????????"),  # vanished
        ("....111111", "????------"),  # not seen yet
        ("..........", "??????????"),
        ("1.0.1.0.11", "--##--##--"),  # bad until the next sample, not for one interval
    ],
)
def test_drawings(drawn, expected):
    """Each drawing of samples gives the drawn state."""
    span = Window(0, 10 * I)
    after = "1111" if drawn[-1] == "1" else ""

    assert state(expected) == read_samples(samples(drawn + after), span, CADENCE).within(span)


def test_a_gap_of_exactly_the_limit_is_bridged():
    """Two and a half intervals are still within the gap; one millisecond more is not."""
    cadence = Cadence(interval_ms=1000, max_gap_ms=2500)
    span = Window(0, 3000)

    assert SeriesState() == read_samples([(0, True), (2500, True), (3000, True)], span, cadence)
    assert SeriesState(unknown=(Window(1000, 2501),)) == read_samples(
        [(0, True), (2501, True), (3000, True)], span, cadence
    )


def test_a_cadence_with_a_gap_shorter_than_its_interval_is_refused():
    """Such a cadence would make every moment unknown."""
    with pytest.raises(ValueError, match="interval <= max gap"):
        Cadence(interval_ms=1000, max_gap_ms=999)


def oracle(points: list[tuple[int, bool]], span: Window, cadence: Cadence) -> SeriesState:
    """Judge every millisecond by itself."""
    down, unknown = [], []
    for at in range(span.start_ms, span.end_ms):
        before = [point for point in points if point[0] <= at]
        after = [point[0] for point in points if point[0] > at]
        if not before:
            unknown.append((at, at + 1))
            continue
        last, is_up = before[-1]
        bridged = bool(after) and after[0] - last <= cadence.max_gap_ms
        if not bridged and at - last >= cadence.interval_ms:
            unknown.append((at, at + 1))
        elif not is_up:
            down.append((at, at + 1))
    return SeriesState(down=tidy(down), unknown=tidy(unknown))


_points = st.dictionaries(st.integers(0, 160), st.booleans(), max_size=25).map(
    lambda found: sorted(found.items())
)
_cadences = st.builds(
    lambda interval, extra: Cadence(interval_ms=interval, max_gap_ms=interval + extra),
    st.integers(1, 12),
    st.integers(0, 20),
)
_cuts = st.lists(st.integers(20, 120), max_size=4).map(lambda cuts: sorted({20, 120, *cuts}))


@given(_points, _cadences)
def test_the_oracle_agrees(points, cadence):
    """Windows are those of a judgement of every single millisecond."""
    span = Window(20, 120)

    assert oracle(points, span, cadence) == read_samples(points, span, cadence)


@given(_points, _cadences, _cuts)
def test_a_period_read_in_pieces_adds_up(points, cadence, cuts):
    """However a period is cut, its pieces make the whole, with one max gap read on either side."""
    whole = read_samples(points, Window(20, 120), cadence)
    down, unknown = [], []
    for start, end in pairwise(cuts):
        near = [
            point
            for point in points
            if start - cadence.max_gap_ms <= point[0] <= end + cadence.max_gap_ms
        ]
        piece = read_samples(near, Window(start, end), cadence)
        down.extend(piece.down)
        unknown.extend(piece.unknown)

    assert whole == SeriesState(down=tidy(down), unknown=tidy(unknown))
