"""Shares of events and what a policy excludes: whole slots, by the letter."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.policy.case import Case, Exclusion
from sla_exporter.core.policy.exclusions import ExclusionRule, Leaves, Recurring
from sla_exporter.core.policy.measure import measure
from sla_exporter.core.policy.shares import share_of_events
from sla_exporter.core.records import from_plain, to_plain
from sla_exporter.core.sli.counts import EventCount, count_events, slots_within
from sla_exporter.core.sli.events import Availability, Empty, Events, Slot
from sla_exporter.core.windows import Window, tidy
from tests.cast import ACME, GOLD, MINUTE, OCTOBER, contract

T0 = OCTOBER.span.start_ms
LENGTH = 5 * MINUTE
EVENTS = Events(good="g", total="t", by=("c",))


def slots(*shares: str) -> list[Slot]:
    """Read ``good/total`` slot by slot from the start of the month on."""
    return [
        Slot(Window(T0 + n * LENGTH, T0 + (n + 1) * LENGTH), *map(Fraction, share.split("/")))
        for n, share in enumerate(shares)
    ]


def stretch(first: int, last: int) -> Window:
    """Give the time from the start of one slot to the end of another."""
    return Window(T0 + first * LENGTH, T0 + (last + 1) * LENGTH)


MONTH = slots("90/100", "0/100", "50/100", "0/0", "100/100")


@pytest.mark.parametrize(
    ("leaves", "expected"),
    [
        (Leaves.BOTH, Fraction(190, 200)),
        (Leaves.NUMERATOR, Fraction(390, 400)),
        (Leaves.DENOMINATOR, Fraction(190 - 150, 200)),
    ],
)
def test_excluded_slots_leave_what_the_policy_says(leaves, expected):
    """Numerator, denominator or both."""
    count = count_events(EVENTS, MONTH).setting_apart(MONTH, (stretch(1, 2),))

    found = share_of_events(count, (stretch(1, 2),), leaves)

    assert count.ratio == Fraction(240, 400)
    assert found.ratio == expected
    assert [(s.facts["slots"], s.facts["bad"]) for s in found.steps] == [(2, 150)]


@pytest.mark.parametrize(
    ("leaves", "expected"),
    [
        (Leaves.BOTH, Fraction(29, 30)),
        (Leaves.NUMERATOR, Fraction(49, 50)),
        (Leaves.DENOMINATOR, Fraction(29, 30) - Fraction(3, 2) / 3),
    ],
)
def test_averages_of_slots_are_excluded_alike(leaves, expected):
    """An empty slot counts as up here."""
    events = replace(EVENTS, availability=Availability.SLOTS)
    count = count_events(events, MONTH).setting_apart(MONTH, (stretch(1, 2),))

    assert share_of_events(count, (stretch(1, 2),), leaves).ratio == expected


def test_a_slot_that_is_excluded_in_part_counts():
    """Never more is excluded than was announced."""
    windows = (Window(T0 + LENGTH + 1, T0 + 3 * LENGTH),)
    count = count_events(EVENTS, MONTH).setting_apart(MONTH, windows)

    assert count.apart == (MONTH[2],)
    assert share_of_events(count, windows, Leaves.BOTH).ratio == Fraction(190, 300)


def test_a_case_applies_the_rule_of_its_policy():
    """Late announced maintenance counts, and what is left over of nothing is nothing."""
    window = stretch(1, 2)
    count = count_events(EVENTS, MONTH).setting_apart(MONTH, (window,))
    case = Case(
        contract=contract(ACME),
        period=OCTOBER,
        span=OCTOBER.span,
        events=count,
        exclusions=(Exclusion(window=window),),
    )
    late = ExclusionRule(announced_ms=48 * 60 * MINUTE)

    assert measure(GOLD, case).ratio == Fraction(190, 200)
    assert measure(replace(GOLD, exclusions=late), case).ratio == Fraction(240, 400)
    all_gone = replace(case, exclusions=(Exclusion(window=OCTOBER.span),))
    apart = count.setting_apart(MONTH, (OCTOBER.span,))
    assert measure(GOLD, replace(all_gone, events=apart)).ratio is None


def test_a_recurring_window_of_the_policy_excludes_slots():
    """Whatever anybody announced."""
    from datetime import time  # noqa: PLC0415

    from sla_exporter.core.policy.exclusions import candidates  # noqa: PLC0415

    rule = ExclusionRule(recurring=(Recurring(start=time(0, 5), end=time(0, 15)),))
    windows = candidates(rule, (), OCTOBER.span, OCTOBER.zone)
    count = count_events(EVENTS, MONTH).setting_apart(MONTH, windows)
    case = Case(contract=contract(ACME), period=OCTOBER, span=OCTOBER.span, events=count)

    assert measure(replace(GOLD, exclusions=rule), case).ratio == Fraction(190, 200)


drawn_slots = st.lists(
    st.integers(0, 50).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))),
    min_size=1,
    max_size=30,
)


@given(
    counts=drawn_slots,
    edges=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=4),
    availability=st.sampled_from(Availability),
    empty=st.sampled_from(Empty),
)
def test_leaving_out_is_counting_the_rest(counts, edges, availability, empty):
    """Setting apart and leaving out gives what counting the other slots gives."""
    month = slots(*(f"{good}/{total}" for good, total in counts))
    windows = tidy(Window(T0 + a * LENGTH, T0 + (a + n) * LENGTH) for a, n in edges)
    events = replace(EVENTS, availability=availability, empty=empty)
    count = count_events(events, month).setting_apart(month, windows)
    outside = slots_within(month, windows)

    left = share_of_events(count, windows, Leaves.BOTH).ratio
    forgiven = share_of_events(count, windows, Leaves.NUMERATOR).ratio

    assert left == count_events(events, [s for s in month if s not in outside]).ratio
    assert count.ratio == count_events(events, month).ratio
    assert forgiven is None or left is None or forgiven >= left
    assert from_plain(EventCount, to_plain(count)) == count
