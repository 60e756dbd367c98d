"""Figures as people write them, in their language, without making them look better."""

from __future__ import annotations

from fractions import Fraction

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter import resources
from sla_exporter.core.currencies import MINOR_UNIT_DIGITS
from sla_exporter.core.money import Money
from sla_exporter.core.policy.pay import share_of
from sla_exporter.notices.formats import Formats, plain
from sla_exporter.notices.languages import translations
from tests.cast import at


def formats(locale: str) -> Formats:
    folder = resources.folder("templates")
    return Formats(Locale.parse(locale), translations(locale, (folder,)))


def spaces(text: str) -> str:
    """Make the narrow and unbreakable spaces of CLDR plain."""
    return text.replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "expected"),
    [
        ("en", "499.90", "BRL", "R$499.90"),
        ("pt_BR", "499.90", "BRL", "R$ 499,90"),
        ("pt_BR", "1234567.80", "EUR", "€ 1.234.567,80"),
        ("de", "4800", "JPY", "4.800 ¥"),
        ("en", "1.500", "KWD", "KWD 1.500"),
        ("en", "735.00", "NOK", "NOK 735.00"),
        ("en", "-735.00", "NOK", "-NOK 735.00"),
        ("de", "735.00", "NOK", "735,00 NOK"),
        ("en", "5.00", "CAD", "CA$5.00"),
    ],
)
def test_money(locale, amount, currency, expected):
    """With the digits of ISO 4217, whatever CLDR thinks of them."""
    assert spaces(formats(locale).money(Money.of(amount, currency))) == expected


def test_a_code_and_its_figures_stay_on_one_line():
    """By a space that does not break."""
    assert formats("en").money(Money.of("735.00", "NOK")) == "NOK\xa0735.00"


@given(st.integers(0, 10**12), st.sampled_from(sorted(MINOR_UNIT_DIGITS)))
def test_no_digit_of_an_amount_is_lost(minor, currency):
    """In every currency there is, the digits shown are the digits there are."""
    money = Money(minor=minor, currency=currency)

    shown = formats("en").money(money)

    assert int("".join(c for c in shown if c.isdecimal())) == minor


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        ("1", "100%"),
        ("1999/2000", "99.95%"),
        ("44639/44640", "99.9977%"),  # rounded, it would be 99.9978
        ("999999999/1000000000", "99.9999%"),  # never 100 unless it is
        ("0", "0%"),
        ("1/3", "33.3333%"),
    ],
)
def test_percentages_are_cut_not_rounded(share, expected):
    """An availability never looks better than it was."""
    assert formats("en").percent(Fraction(share)) == expected


def test_percentages_in_other_languages():
    """With their decimal comma."""
    assert formats("pt_BR").percent(Fraction(1999, 2000)) == "99,95%"


@pytest.mark.parametrize(
    ("ms", "english", "portuguese"),
    [
        (0, "0 s", "0 s"),
        (1, "1 ms", "1 ms"),
        (95 * 60_000, "1 h 35 min", "1 h 35 min"),
        (86_400_000, "1 day", "1 dia"),
        (2 * 86_400_000 + 500, "2 days 500 ms", "2 dias 500 ms"),
        (2_678_400_000, "31 days", "31 dias"),
    ],
)
def test_durations_are_given_in_full(ms, english, portuguese):
    """To the millisecond, as they were calculated with."""
    assert formats("en").duration(ms) == english
    assert formats("pt_BR").duration(ms) == portuguese


def test_moments_and_months():
    """In the zone of the contract."""
    moment = at(3, 10, 2.5)

    assert spaces(formats("en").moment(moment, "America/Sao_Paulo")) == "Oct 3, 2026, 7:02:30 AM"
    assert formats("pt_BR").moment(moment, "UTC") == "3 de out. de 2026 10:02:30"
    assert formats("pt_BR").month(moment, "UTC") == "outubro de 2026"
    assert plain().moment(moment, "UTC") == "2026-10-03 10:02:30"
    assert plain().moment(moment + 32, "UTC") == "2026-10-03 10:02:30.032"


@pytest.mark.parametrize(
    ("minor", "currency", "expected"),
    [
        ("4999", "BRL", "BRL 49.99"),
        ("4999/10", "BRL", "BRL 4.999"),
        ("1/3", "EUR", "EUR 0.003333"),
        ("9601/2", "JPY", "JPY 4,800.5"),
    ],
)
def test_amounts_before_rounding_show_what_is_rounded(minor, currency, expected):
    """Up to four more decimal places."""
    assert plain().exact(Fraction(minor), currency) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        ("1/10", "10%"),
        ("3/40", "7.5%"),
        ("1/1440", "1/1440"),
        ("29/30", "29/30"),
    ],
)
def test_a_share_that_is_paid_is_never_cut(share, expected):
    """A contract that pays a thirtieth does not say 3.3333%."""
    assert formats("en").pay(share_of(Fraction(share))) == expected
