"""Months in zones: their true length, their names, their neighbours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.periods import Period, datetime_of, ms_of, utc_text, wall_clock_ms

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("label", "zone", "hours"),
    [
        ("2026-10", "UTC", 744),
        ("2026-10", "Europe/Berlin", 745),  # the clock goes back on the 25th
        ("2026-03", "Europe/Berlin", 743),
        ("2026-02", "America/Sao_Paulo", 672),
        ("2028-02", "UTC", 696),
        ("2026-12", "Pacific/Kiritimati", 744),
    ],
)
def test_a_month_has_its_true_length(label, zone, hours):
    """Clock changes and leap days count."""
    assert hours * HOUR_MS == Period.month(label, zone).span.length_ms


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59:00Z"),
        ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00:00Z"),  # 02:00 to 03:00: skipped
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),  # twice: the first
        ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z"),  # half an hour
        ("America/Santiago", "2026-09-06T00:00", "2026-09-06T04:00:00Z"),  # no midnight
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z"),  # no such day
    ],
)
def test_clocks_may_skip_a_time_or_show_it_twice(zone, local, expected):
    """One that they skip is the moment at which they jump."""
    wanted = datetime.fromisoformat(local)

    assert utc_text(wall_clock_ms(wanted.date(), wanted.time(), zone)) == expected


def test_a_month_begins_at_local_midnight():
    """São Paulo is three hours behind UTC."""
    span = Period.month("2026-10", "America/Sao_Paulo").span

    assert utc_text(span.start_ms) == "2026-10-01T03:00:00Z"
    assert utc_text(span.end_ms) == "2026-11-01T03:00:00Z"


def test_a_midnight_that_does_not_exist_is_the_moment_of_the_clock_change():
    """Asunción's clocks went from 23:59:59 on 30 September 2023 to 01:00 on 1 October."""
    october = Period.month("2023-10", "America/Asuncion").span

    assert utc_text(october.start_ms) == "2023-10-01T04:00:00Z"
    assert datetime_of(october.start_ms, "America/Asuncion").hour == 1


@given(
    st.integers(ms_of(datetime(1995, 1, 1, tzinfo=UTC)), ms_of(datetime(2060, 1, 1, tzinfo=UTC))),
    st.sampled_from(sorted(available_timezones())),
)
def test_every_moment_lies_in_its_month_and_months_touch(at_ms, zone):
    """In every zone of the world, months follow one another without gap or overlap."""
    period = Period.containing(at_ms, zone)

    assert period.span.start_ms <= at_ms < period.span.end_ms
    assert period.following.span.start_ms == period.span.end_ms
    assert period.previous.span.end_ms == period.span.start_ms
    assert period == Period.month(period.label, zone)


@pytest.mark.parametrize("label", ["2026-13", "2026-1", "October", "2026-10-01", ""])
def test_a_label_that_is_no_month_is_refused(label):
    """The message says how a period is written."""
    with pytest.raises(ValueError, match="YYYY-MM"):
        Period.month(label, "UTC")


def test_moments_are_converted_without_a_float():
    """Microseconds are cut, and an offset is honoured."""
    moment = datetime(2026, 10, 3, 7, 2, 30, 632999, tzinfo=timezone(timedelta(hours=-3)))

    assert utc_text(ms_of(moment)) == "2026-10-03T10:02:30.632Z"
