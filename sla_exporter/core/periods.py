"""The periods that a promise is kept or broken in.

A period is computed in its zone and then converted, so a month with a clock change has its true
length. Months are named as people and file names do: ``2026-10``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sla_exporter.core.windows import Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def ms_of(moment: datetime) -> int:
    """Convert an aware datetime to milliseconds since the epoch, without a float in between."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def datetime_of(at_ms: int, zone: str = "UTC") -> datetime:
    """Convert milliseconds since the epoch to an aware datetime in the zone."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(zone))


def utc_text(at_ms: int) -> str:
    """Write a moment as RFC 3339 in UTC, with milliseconds only if there are any."""
    moment = datetime_of(at_ms)
    precision = "milliseconds" if at_ms % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Period:
    """One calendar month in a zone."""

    label: str
    zone: str
    span: Window

    @classmethod
    def month(cls, label: str, zone: str) -> Period:
        """Give the month of that name in the zone.

        Raises:
            ValueError: if the label is not ``YYYY-MM``.
        """
        found = _MONTH.fullmatch(label)
        if not found:
            raise ValueError(f"a period is written YYYY-MM, as in 2026-10, not {label!r}")
        year, month = int(found[1]), int(found[2])
        start = datetime(year, month, 1, tzinfo=ZoneInfo(zone))
        following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=ZoneInfo(zone))
        return cls(label=label, zone=zone, span=Window(ms_of(start), ms_of(following)))

    @classmethod
    def containing(cls, at_ms: int, zone: str) -> Period:
        """Give the month that a moment lies in."""
        return cls.month(datetime_of(at_ms, zone).strftime("%Y-%m"), zone)

    @property
    def following(self) -> Period:
        """The month after this one."""
        return Period.containing(self.span.end_ms, self.zone)

    @property
    def previous(self) -> Period:
        """The month before this one."""
        return Period.containing(self.span.start_ms - 1, self.zone)
