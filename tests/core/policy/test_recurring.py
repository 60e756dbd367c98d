"""Maintenance windows that come back, on days on which clocks change."""

from __future__ import annotations

from datetime import date, time

import pytest

from sla_exporter.core.periods import Period, datetime_of
from sla_exporter.core.policy.case import Case, Outage
from sla_exporter.core.policy.exclusions import ExclusionRule, Recurring, exclude
from sla_exporter.core.windows import total_ms
from tests.cast import ACME, MINUTE, contract

BERLIN = "Europe/Berlin"
WINDOWS = [  # and how many minutes they last on an ordinary day, in spring and in autumn
    ("02:30", "03:30", 60, 30, 120),
    ("01:30", "02:30", 60, 30, 60),
    ("02:00", "04:00", 120, 60, 180),
    ("02:15", "02:45", 30, 0, 30),
    ("01:00", "02:00", 60, 60, 60),
    ("03:00", "04:00", 60, 60, 60),
    ("22:00", "02:30", 270, 270, 270),  # the next night is an ordinary one
]


def excluded_minutes(start: str, end: str, month: str, day: int, **more) -> int:
    """Say how much a weekly window excludes that begins on a day of a month, all of it down."""
    period = Period.month(month, BERLIN)
    weekday = date.fromisoformat(f"{month}-{day}").weekday()
    begin, until = time.fromisoformat(start), time.fromisoformat(end)
    window = Recurring(start=begin, end=until, weekdays=(weekday,), **more)
    outages = (Outage(window=period.span),)
    case = Case(contract=contract(ACME), period=period, span=period.span, outages=outages)
    found = exclude(ExclusionRule(recurring=(window,)), case).windows
    days = (datetime_of(one.start_ms, BERLIN).day for one in found)
    return total_ms(w for w, on in zip(found, days, strict=True) if on == day) // MINUTE


@pytest.mark.parametrize(("start", "end", "usual", "spring", "autumn"), WINDOWS)
def test_windows_are_by_the_wall_clock(start, end, usual, spring, autumn):
    """What clocks skip is not excluded; what they show twice is, from the first time on."""
    assert excluded_minutes(start, end, "2026-03", 22) == usual
    assert excluded_minutes(start, end, "2026-03", 29) == spring
    assert excluded_minutes(start, end, "2026-10", 25) == autumn


@pytest.mark.parametrize(("month", "day"), [("2026-03", 29), ("2026-10", 25)])
def test_the_night_into_a_clock_change_has_its_true_length(month, day):
    """From ten in the evening until four."""
    hours = {29: 5, 25: 7}[day]

    assert excluded_minutes("22:00", "04:00", month, day - 1) == hours * 60


def test_no_more_than_stated_is_excluded_of_a_longer_night():
    """However often clocks show an hour."""
    at_most = 10 * MINUTE

    assert excluded_minutes("02:00", "04:00", "2026-10", 25, at_most_ms=at_most) == 10
    assert excluded_minutes("02:15", "02:45", "2026-03", 29, at_most_ms=at_most) == 0
