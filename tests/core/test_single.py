"""Single incidents: each outage counts as a whole, in one period, as far as the contract ran."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.catalogue import FAR_FUTURE_MS
from sla_exporter.core.single import assigned
from sla_exporter.core.windows import Window, clip, tidy, total_ms
from tests.cast import DAY, HOUR, OCTOBER, at

SPAN = OCTOBER.span
ALWAYS = Window(0, FAR_FUTURE_MS)
MONTHS = [Window(start, end) for start, end in pairwise((0, 30, 61, 91))]

_windows = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 40)).map(
        lambda drawn: Window(drawn[0], min(drawn[0] + drawn[1], 90))
    ),
    max_size=8,
).map(tidy)


@pytest.mark.parametrize(
    ("outage", "counts"),
    [
        (Window(at(3), at(4)), True),
        (Window(at(1) - DAY, at(1)), True),  # it was over when the month began
        (Window(at(1) - DAY, at(1) - 1), False),
        (Window(at(1) - 40 * DAY, at(31)), True),
        (Window(at(31), SPAN.end_ms - 1), True),
        (Window(at(31), SPAN.end_ms), False),  # it may go on
        (Window(at(31), SPAN.end_ms + DAY), False),
    ],
)
def test_an_outage_belongs_to_the_month_in_which_it_was_over(outage, counts):
    """As a whole; what of it lies in another month is told apart."""
    found = assigned((outage,), SPAN, ALWAYS)

    assert found.counted == ((outage,) if counts else ())
    assert found.later == (() if counts else clip((outage,), SPAN))


def test_only_the_contracts_life_counts():
    """Of an outage that began before the contract, or that goes on when it ends."""
    life = Window(at(10), at(21))
    outages = (Window(at(8), at(10, 1)), Window(at(20, 12), at(25)))

    found = assigned(outages, life, life)

    assert found.counted == (Window(at(10), at(10, 1)), Window(at(20, 12), at(21)))
    assert found.later == ()
    assert assigned((Window(at(8), at(10)),), life, life).counted == ()


def test_the_last_month_of_a_contract_leaves_nothing():
    """Whether it ends in the month or with it."""
    outage = Window(SPAN.end_ms - HOUR, SPAN.end_ms + HOUR)

    found = assigned((outage,), SPAN, Window(at(1) - DAY, SPAN.end_ms))

    assert found.counted == (Window(outage.start_ms, SPAN.end_ms),)


@given(outages=_windows, begin=st.integers(0, 90), length=st.integers(1, 90))
def test_every_outage_counts_in_one_month(outages, begin, length):
    """All that lies in the contract's life, once; but for what goes on after the last month."""
    life = Window(begin, begin + length)
    spans = [part for month in MONTHS for part in clip((month,), life)]

    found = [assigned(outages, span, life).counted for span in spans]

    counted = [window for windows in found for window in windows]
    assert tuple(counted) == clip(outages, life)
    assert total_ms(counted) == total_ms(tidy(counted))
