"""Which periods are settled, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from sla_exporter.core.catalogue import torn_periods
from sla_exporter.core.due import due_periods, last_closed, open_periods
from sla_exporter.core.periods import Period, PeriodKind, PeriodRule, ms_of, utc_text
from sla_exporter.core.settlement import State
from tests.cast import ACME, DAY, GOLD, HOUR, OCTOBER, at, catalogue, contract

TWO_DAYS = 2 * DAY
NOV_23 = ms_of(datetime(2026, 11, 23, 12, tzinfo=UTC))


def ends(label: str) -> int:
    return Period.month(label, "UTC").span.end_ms


def closed(zone: str, now_ms: int) -> str:
    one = contract(replace(ACME, zone=zone))
    return last_closed(catalogue(one), one, now_ms, TWO_DAYS).label


def labels(latest, now_ms=NOV_23, **changes) -> list[str]:
    one = contract(ACME, **changes)
    return [due.period.label for due in due_periods(catalogue(one), latest, now_ms, TWO_DAYS)]


def test_a_new_contract_begins_with_the_last_closed_month():
    """Adding a customer of many years does not bring years of credits at once."""
    assert labels({}) == ["2026-10"]


def test_missed_months_are_made_up_for_in_order():
    """A service that was down for three months settles all three, oldest first."""
    assert labels({"acme-web": (ends("2026-07"), State.POSTED)}) == [
        "2026-08",
        "2026-09",
        "2026-10",
    ]


@pytest.mark.parametrize("state", [State.POSTED, State.HELD])
def test_what_is_final_is_not_due_again(state):
    """Settled is settled."""
    assert labels({"acme-web": (ends("2026-10"), state)}) == []


def test_an_observed_month_is_due_again():
    """So a mode that is switched on applies to the last month, and to nothing older."""
    assert labels({"acme-web": (ends("2026-10"), State.OBSERVED)}) == ["2026-10"]
    assert labels({"acme-web": (ends("2026-09"), State.OBSERVED)}) == ["2026-10"]


def test_a_month_is_closed_once_settle_after_has_passed():
    """Late samples get their time: 48 hours by default."""
    end = OCTOBER.span.end_ms

    assert closed("UTC", end + TWO_DAYS - 1) == "2026-09"
    assert closed("UTC", end + TWO_DAYS) == "2026-10"


def test_months_close_in_the_zone_of_the_contract():
    """In São Paulo October ends three hours later than in UTC."""
    now = OCTOBER.span.end_ms + TWO_DAYS + HOUR

    assert closed("UTC", now) == "2026-10"
    assert closed("America/Sao_Paulo", now) == "2026-09"


def test_a_contract_that_did_not_run_yet_is_not_due():
    """It began in November."""
    assert labels({}, since=date(2026, 11, 5)) == []


def test_the_open_month_is_the_one_now():
    """Every contract that runs has one."""
    found = list(open_periods(catalogue(contract(ACME)), at(12)))

    assert [due.period.label for due in found] == ["2026-10"]
    assert utc_text(found[0].period.span.start_ms) == "2026-10-01T00:00:00Z"


QUARTERS = replace(GOLD, period=PeriodRule(kind=PeriodKind.QUARTER))


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        (GOLD, QUARTERS, ["2026-10", "2026-11", "2026-12", "2027-Q1"]),
        (QUARTERS, GOLD, ["2026-Q4", "2027-01", "2027-02", "2027-03"]),
    ],
)
def test_periods_of_another_kind_follow_those_before(first, then, expected):
    """Each moment is in one period: by the version in force then."""
    one = contract(ACME)
    later = replace(then, effective_from=date(2027, 1, 1))
    book = replace(catalogue(one), policies={"gold": (first, later)})
    latest = {"acme-web": (ends("2026-09"), State.POSTED)}

    due = list(due_periods(book, latest, ends("2027-03") + TWO_DAYS, TWO_DAYS))

    assert [one.period.label for one in due] == expected
    steps = [one.period.step for one in due]
    assert [step.start_ms for step in steps[1:]] == [step.end_ms for step in steps[:-1]]


@pytest.mark.parametrize(
    ("day", "since", "torn"),
    [
        (date(2027, 1, 1), date(2025, 1, 6), False),
        (date(2026, 12, 1), date(2025, 1, 6), True),  # in the middle of a quarter
        (date(2027, 1, 2), date(2025, 1, 6), True),
        (date(2026, 12, 1), date(2026, 12, 1), False),  # the contract is no older
    ],
)
def test_a_version_with_other_periods_begins_where_one_ends(day, since, torn):
    """Else some days were in two periods, or in none."""
    later = replace(QUARTERS, effective_from=day)

    found = list(torn_periods((GOLD, later), contract(ACME, since=since)))

    assert found == ([day] if torn else [])
