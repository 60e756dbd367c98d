"""The periods that a promise is kept or broken in.

A period is computed in its zone and then converted, so a month with a clock change has its true
length. Periods are named as people and file names do: ``2026-10``, ``2026-Q4``, ``2026``; those
that begin on a day of their own by that day.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from sla_exporter.core.windows import Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
DAY_MS = 86_400_000


def ms_of(moment: datetime) -> int:
    """Convert an aware datetime to milliseconds since the epoch, without a float in between."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def datetime_of(at_ms: int, zone: str = "UTC") -> datetime:
    """Convert milliseconds since the epoch to an aware datetime in the zone."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(zone))


@lru_cache(maxsize=4096)  # a fleet's contracts begin and end on the same few days
def midnight_ms(day: date, zone: str) -> int:
    """Give the moment at which a day begins in the zone."""
    return ms_of(datetime.combine(day, time(), ZoneInfo(zone)))


def wall_clock_ms(day: date, at: time, zone: str) -> int:
    """Give the moment at which clocks in the zone show a time on a day.

    One that they skip is the moment at which they jump; of one that they show twice, it is the
    first.
    """
    local = datetime.combine(day, at, ZoneInfo(zone))
    found_ms = ms_of(local)
    if datetime_of(found_ms, zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found_ms
    before = local.utcoffset()
    around = range(ms_of(local.replace(fold=1)), found_ms + 1)
    jump = bisect_left(around, 1, key=lambda ms: datetime_of(ms, zone).utcoffset() != before)
    return around[jump]


def utc_text(at_ms: int) -> str:
    """Write a moment as RFC 3339 in UTC, with milliseconds only if there are any."""
    moment = datetime_of(at_ms)
    precision = "milliseconds" if at_ms % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


class PeriodKind(StrEnum):
    """How a policy cuts time."""

    MONTH = "calendar month"
    BILLING_MONTH = "billing month"  # from the day of the month on which the contract began
    QUARTER = "quarter"
    YEAR = "year"
    CYCLE = "cycle"  # of so many days, counted from the first day of the contract
    TRAILING = "trailing"  # so many days, ending with every calendar month
    INCIDENT = "incident"  # each outage by itself, in the month in which it ended


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRule:
    """A kind of period with what it needs: a zone, the first month of a year, a number of days."""

    kind: PeriodKind = PeriodKind.MONTH
    zone: str | None = None
    first_month: int = 1
    days: int = 0

    @property
    def months(self) -> int:
        """How many monthly fees a period's fee is."""
        return {PeriodKind.QUARTER: 3, PeriodKind.YEAR: 12}.get(self.kind, 1)

    def containing(self, at_ms: int, zone: str, anchor: date) -> Period:
        """Give the period that a moment lies in; trailing ones are those that end next.

        Args:
            at_ms: the moment.
            zone: where days begin.
            anchor: the first day of the contract, for periods that are counted from it.
        """
        day = datetime_of(at_ms, zone).date()
        first, last, label = self._days(day, anchor)
        step = Window(midnight_ms(first, zone), midnight_ms(last, zone))
        span = step
        if self.kind is PeriodKind.TRAILING:
            span = Window(midnight_ms(last - timedelta(days=self.days), zone), step.end_ms)
        return Period(label=label, zone=zone, span=span, step=step, rule=self, anchor=anchor)

    def begins_on(self, day: date, anchor: date) -> bool:
        """Say whether a period begins on that day."""
        first, _, _ = self._days(day, anchor)
        return first == day

    def is_as_long_as(self, other: PeriodRule) -> bool:
        """Say whether both cut time at the same days, whatever their zones."""
        return (self.kind, self.first_month, self.days) == (
            other.kind,
            other.first_month,
            other.days,
        )

    def closing_in(self, month: Period, anchor: date) -> list[Period]:
        """Give the periods whose last day lies in a calendar month."""
        found: list[Period] = []
        period = self.containing(month.span.end_ms, month.zone, anchor).previous
        while period.step.end_ms > month.span.start_ms:
            if period.step.end_ms <= month.span.end_ms:
                found.append(period)
            period = period.previous
        return found[::-1]

    def _days(self, day: date, anchor: date) -> tuple[date, date, str]:
        """Give the first day, the first day after, and the label of the period of a day."""
        match self.kind:
            case PeriodKind.BILLING_MONTH:
                first = _on_day(day.year, day.month, anchor.day)
                if first > day:
                    first = _months_after(first.replace(day=1), -1, anchor.day)
                return first, _months_after(first.replace(day=1), 1, anchor.day), first.isoformat()
            case PeriodKind.CYCLE:
                first = day - timedelta(days=(day - anchor).days % self.days)
                return first, first + timedelta(days=self.days), first.isoformat()
            case PeriodKind.QUARTER:
                first = _months_after(day.replace(day=1), -((day.month - self.first_month) % 3))
                number = (first.month - self.first_month) % 12 // 3 + 1
                year = first.year - (first.month < self.first_month)
                return first, _months_after(first, 3), f"{year}-Q{number}"
            case PeriodKind.YEAR:
                year = day.year - (day.month < self.first_month)
                first = date(year, self.first_month, 1)
                return first, date(year + 1, self.first_month, 1), f"{year}"
            case _:
                first = day.replace(day=1)
                return first, _months_after(first, 1), f"{first:%Y-%m}"


MONTHLY = PeriodRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One period. ``step`` is its place in the sequence, ``span`` the time that is measured."""

    label: str
    zone: str
    span: Window
    step: Window
    rule: PeriodRule = MONTHLY
    anchor: date = date(2000, 1, 1)

    @classmethod
    def month(cls, label: str, zone: str) -> Period:
        """Give the calendar month of that name in the zone.

        Raises:
            ValueError: if the label is not ``YYYY-MM``.
        """
        found = _MONTH.fullmatch(label)
        if not found:
            raise ValueError(f"a period is written YYYY-MM, as in 2026-10, not {label!r}")
        return _month(int(found[1]), int(found[2]), zone)

    @classmethod
    def containing(cls, at_ms: int, zone: str) -> Period:
        """Give the calendar month that a moment lies in."""
        day = datetime_of(at_ms, zone)
        return _month(day.year, day.month, zone)

    @property
    def following(self) -> Period:
        """The period after this one."""
        return self.rule.containing(self.step.end_ms, self.zone, self.anchor)

    @property
    def previous(self) -> Period:
        """The period before this one."""
        return self.rule.containing(self.step.start_ms - 1, self.zone, self.anchor)

    @property
    def twelve_months_ms(self) -> int:
        """When the twelve months begin that end with this period."""
        after = datetime_of(self.step.end_ms, self.zone).date()
        return midnight_ms(_months_after(after.replace(day=1), -12, after.day), self.zone)


@lru_cache(maxsize=4096)
def _month(year: int, month: int, zone: str) -> Period:
    noon = datetime(year, month, 1, 12, tzinfo=ZoneInfo(zone))
    return MONTHLY.containing(ms_of(noon), zone, date(2000, 1, 1))


def _on_day(year: int, month: int, day: int) -> date:
    """Give that day of a month, or its last one if the month is shorter."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day - 1), following - timedelta(days=1))


def _months_after(first: date, months: int, day: int = 1) -> date:
    index = first.year * 12 + first.month - 1 + months
    return _on_day(index // 12, index % 12 + 1, day)
