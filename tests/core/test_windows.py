"""Window arithmetic, compared with sets of single milliseconds."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.windows import (
    Window,
    Windows,
    clip,
    intersect,
    replace_within,
    subtract,
    tidy,
    total_ms,
)

_pairs = st.tuples(st.integers(0, 60), st.integers(0, 60))
_raw = st.lists(_pairs, max_size=8)
_spans = _pairs.map(sorted).map(lambda pair: Window(*pair))


def moments(windows: Windows) -> set[int]:
    return {at for start, end in windows for at in range(start, end)}


def is_tidy(windows: Windows) -> bool:
    return windows == tidy(windows)


@given(_raw)
def test_tidy_keeps_every_moment_once(raw):
    """The union has the same moments, and no window is empty, overlaps or touches another."""
    result = tidy(raw)

    assert moments(result) == {at for start, end in raw for at in range(start, end)}
    assert all(a.end_ms < b.start_ms for a, b in pairwise(result))
    assert total_ms(result) == len(moments(result))


@given(_raw, _raw)
def test_subtract_and_intersect_are_those_of_sets(left, right):
    """Difference and intersection agree with sets of moments, and stay tidy."""
    a, b = tidy(left), tidy(right)

    assert moments(subtract(a, b)) == moments(a) - moments(b)
    assert moments(intersect(a, b)) == moments(a) & moments(b)
    assert is_tidy(subtract(a, b))
    assert is_tidy(intersect(a, b))


@given(_raw, _spans)
def test_clip_is_intersection_with_one_span(raw, span):
    """Clipping keeps what lies inside."""
    windows = tidy(raw)

    assert moments(clip(windows, span)) == moments(windows) & moments((span,))


@given(_raw, _spans, _raw)
def test_replacing_changes_nothing_outside_the_span(old, span, new):
    """Inside the span only the new windows count, outside only the old ones."""
    a, b = tidy(old), tidy(new)
    inside = moments((span,))

    expected = (moments(a) - inside) | (moments(b) & inside)

    assert moments(replace_within(a, span, b)) == expected
