"""Quantities as people write them: ``99.95%``, ``48h``, ``3 days``, ``BRL 1.00``, ``2 of 3``.

Each is tagged; a bare number is never taken for one of them.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from zoneinfo import ZoneInfo

from sla_exporter.core.money import Money
from sla_exporter.core.quorum import ALL, ANY, Quorum
from sla_exporter.core.reasoning import Duration, Share

_NUMBER = r"\d+(?:\.\d+)?"
_PERCENT = re.compile(rf"({_NUMBER})\s*%")
_UNITS = {
    "ms": 1,
    "s": 1_000,
    "second": 1_000,
    "m": 60_000,
    "min": 60_000,
    "minute": 60_000,
    "h": 3_600_000,
    "hour": 3_600_000,
    "d": 86_400_000,
    "day": 86_400_000,
    "w": 604_800_000,
    "week": 604_800_000,
}
_PART = re.compile(rf"({_NUMBER})\s*(ms|[a-z]+?)s?(?![a-z])\s*")
_MONEY = re.compile(rf"([A-Z]{{3}})\s*(-?{_NUMBER})")
_QUORUM = re.compile(r"(\d+)\s+of\s+(\d+)")
_SIZE = re.compile(r"(\d+)\s*(KiB|MiB|B)")


def parse_percent(text: str) -> Share:
    """Read ``99.95%`` exactly."""
    found = _PERCENT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a percentage; write it as in 99.95%")
    return Share(Fraction(found[1]) / 100)


def parse_duration(text: str) -> Duration:
    """Read ``30s``, ``1h30m``, ``3 days``; a whole number of milliseconds."""
    wanted = text.strip()
    position, total = 0, Fraction(0)
    while position < len(wanted):
        found = _PART.match(wanted, position)
        if not found or found[2] not in _UNITS:
            raise ValueError(f"{text!r} is not a duration; write it as in 30s, 1h30m or 3 days")
        total += Fraction(found[1]) * _UNITS[found[2]]
        position = found.end()
    if not wanted or total.denominator != 1:
        raise ValueError(f"{text!r} is not a duration of whole milliseconds")
    return Duration(int(total))


def parse_interval(text: str) -> Duration:
    """Read a duration that is longer than nothing."""
    length = parse_duration(text)
    if not length.ms:
        raise ValueError(f"must be longer than nothing, not {text!r}")
    return length


def parse_money(text: str) -> Money:
    """Read ``BRL 1.00``."""
    found = _MONEY.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not an amount of money; write it as in EUR 5.00")
    return Money.of(found[2], found[1])


def parse_amount(text: str) -> Decimal:
    """Read an amount whose currency stands elsewhere, such as a fee."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{text!r} is not an amount; write it as in 499.90")
    return amount


def parse_quorum(text: str) -> Quorum:
    """Read ``all``, ``any`` or ``2 of 3``."""
    if text in {"all", "any"}:
        return ALL if text == "all" else ANY
    found = _QUORUM.fullmatch(text.strip())
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"{text!r} is not a quorum; write all, any, or as in 2 of 3")
    return Quorum(at_least=int(found[1]))


def parse_day(text: str) -> date:
    """Read ``2026-10-03``."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a day; write it as in 2026-10-03") from None


def parse_zone(text: str) -> str:
    """Check the name of a time zone."""
    try:
        return ZoneInfo(text).key
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        pass
    except KeyError:
        pass
    raise ValueError(f"{text!r} is not a time zone; write it as in America/Sao_Paulo") from None


def parse_size(text: str) -> int:
    """Read ``32MiB`` as bytes."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a size; write it as in 32MiB")
    return int(found[1]) * {"B": 1, "KiB": 1024, "MiB": 1024**2}[found[2]]


def parse_count(text: str) -> int:
    """Read a number of things."""
    if not text.strip().isdecimal():
        raise ValueError(f"{text!r} is not a number of things; write it as in 10")
    return int(text)
