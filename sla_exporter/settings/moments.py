"""Moments and stretches of time as people write them: ``2026-10-03T10:00Z + 95m``.

Without an offset, a time is that of the contract's zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sla_exporter.core.periods import ms_of
from sla_exporter.core.windows import Window
from sla_exporter.settings.quantities import parse_duration


@dataclass(frozen=True, slots=True)
class Point:
    """A moment, whose zone may still be missing."""

    moment: datetime

    def at_ms(self, zone: str) -> int:
        """Give the moment, in the zone if it has none of its own."""
        moment = self.moment
        return ms_of(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A start with a length or an end."""

    start: Point
    length_ms: int = 0
    end: Point | None = None

    def window(self, zone: str) -> Window:
        """Give the window.

        Raises:
            ValueError: if it would end before it begins.
        """
        start = self.start.at_ms(zone)
        end = self.end.at_ms(zone) if self.end else start + self.length_ms
        if end <= start:
            raise ValueError("it must end after it begins")
        return Window(start, end)


def parse_point(text: str) -> Point:
    """Read ``2026-10-03T10:00Z``, ``2026-10-03 07:00-03:00`` or ``2026-10-03 10:00``."""
    try:
        return Point(datetime.fromisoformat(text.strip()))
    except ValueError:
        raise ValueError(f"{text!r} is not a moment; write it as in 2026-10-03T10:00Z") from None


def parse_stretch(text: str) -> Stretch:
    """Read ``2026-10-03T10:00Z + 95m`` or ``2026-10-03T10:00Z to 2026-10-03T11:35Z``."""
    start, plus, length = text.partition(" + ")
    if plus:
        return Stretch(parse_point(start), length_ms=parse_duration(length).ms)
    start, to, end = text.partition(" to ")
    if not to:
        raise ValueError(
            f"{text!r} is not a stretch of time; write it as in 2026-10-03T10:00Z + 95m "
            "or 2026-10-03T10:00Z to 2026-10-03T11:35Z"
        )
    return Stretch(parse_point(start), end=parse_point(end))
