"""Quantities as people write them; a bare number is never one."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction

import pytest

from sla_exporter.core.money import Money
from sla_exporter.core.quorum import ALL, ANY, Quorum
from sla_exporter.core.reasoning import Duration, Share
from sla_exporter.settings import quantities as q


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (q.parse_percent, "99.95%", Share(Fraction(1999, 2000))),
        (q.parse_percent, "10 %", Share(Fraction(1, 10))),
        (q.parse_duration, "30s", Duration(30_000)),
        (q.parse_duration, "1h30m", Duration(5_400_000)),
        (q.parse_duration, "3 days", Duration(259_200_000)),
        (q.parse_duration, "1 day 2 hours 5 minutes", Duration(93_900_000)),
        (q.parse_duration, "250ms", Duration(250)),
        (q.parse_duration, "0.5s", Duration(500)),
        (q.parse_duration, "2w", Duration(1_209_600_000)),
        (q.parse_money, "EUR 5.00", Money(minor=500, currency="EUR")),
        (q.parse_money, "JPY 500", Money(minor=500, currency="JPY")),
        (q.parse_quorum, "all", ALL),
        (q.parse_quorum, "any", ANY),
        (q.parse_quorum, "2 of 3", Quorum(at_least=2)),
        (q.parse_day, "2026-10-03", date(2026, 10, 3)),
        (q.parse_zone, "America/Sao_Paulo", "America/Sao_Paulo"),
        (q.parse_size, "32MiB", 33_554_432),
    ],
)
def test_what_people_write(parse, text, expected):
    """Each is read exactly."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (q.parse_percent, "10"),
        (q.parse_percent, "-10%"),
        (q.parse_percent, "ten %"),
        (q.parse_duration, "48"),
        (q.parse_duration, "5 fortnights"),
        (q.parse_duration, ""),
        (q.parse_duration, "0.0001s"),
        (q.parse_money, "5.00"),
        (q.parse_money, "5.00 EUR"),
        (q.parse_amount, "ten"),
        (q.parse_amount, "-1"),
        (q.parse_amount, "NaN"),
        (q.parse_quorum, "3 of 2"),
        (q.parse_quorum, "0 of 2"),
        (q.parse_quorum, "most"),
        (q.parse_day, "03.10.2026"),
        (q.parse_zone, "Mars/Olympus"),
        (q.parse_zone, "../etc/passwd"),
        (q.parse_size, "32"),
    ],
)
def test_what_is_refused_is_told_how_to_write_it(parse, text):
    """The sentence shows what was written."""
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse(text)


@pytest.mark.parametrize("text", ["EUR 5.001", "XYZ 5.00"])
def test_money_that_cannot_be_is_refused(text):
    """Too many digits, or no such currency."""
    with pytest.raises(ValueError, match=r"decimal places|ISO 4217"):
        q.parse_money(text)
