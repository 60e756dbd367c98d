"""Money: exact, in the digits of its currency, rounded once and as named."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.currencies import MINOR_UNIT_DIGITS
from sla_exporter.core.money import Money, Rounding, round_fraction


@pytest.mark.parametrize(
    ("value", "half_up", "half_even", "up", "down"),
    [
        ("0", 0, 0, 0, 0),
        ("1/2", 1, 0, 1, 0),
        ("3/2", 2, 2, 2, 1),
        ("5/2", 3, 2, 3, 2),
        ("49/100", 0, 0, 1, 0),
        ("1/1000", 0, 0, 1, 0),
        ("7", 7, 7, 7, 7),
        ("-1/2", -1, 0, -1, 0),
        ("-5/2", -3, -2, -3, -2),
    ],
)
def test_rounding_modes(value, half_up, half_even, up, down):
    """Half up and up go away from zero, as accountants mean it."""
    rounded = {mode: round_fraction(Fraction(value), mode) for mode in Rounding}

    assert rounded == {
        Rounding.HALF_UP: half_up,
        Rounding.HALF_EVEN: half_even,
        Rounding.UP: up,
        Rounding.DOWN: down,
    }


@given(st.fractions(), st.sampled_from(Rounding))
def test_rounding_moves_by_less_than_one(value, mode):
    """No mode moves an amount by a whole minor unit, and half modes by no more than half of one."""
    moved = abs(round_fraction(value, mode) - value)

    assert moved < 1
    if mode in {Rounding.HALF_UP, Rounding.HALF_EVEN}:
        assert moved <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "shown"),
    [
        ("499.90", "BRL", 49990, "BRL 499.90"),
        ("48000", "JPY", 48000, "JPY 48,000"),
        ("1.234", "KWD", 1234, "KWD 1.234"),
        ("0.10", "EUR", 10, "EUR 0.10"),
        ("1234567.89", "USD", 123456789, "USD 1,234,567.89"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(amount, currency, minor, shown):
    """ISO 4217 says how many there are."""
    money = Money.of(amount, currency)

    assert minor == money.minor
    assert shown == str(money)
    assert Decimal(amount) == money.amount


@pytest.mark.parametrize(("amount", "currency"), [("1.999", "EUR"), ("0.5", "JPY")])
def test_an_amount_with_too_many_digits_is_refused(amount, currency):
    """A fee of 1.999 is a mistake, not something to round."""
    with pytest.raises(ValueError, match="decimal places"):
        Money.of(amount, currency)


def test_an_unknown_currency_is_refused():
    """Money without a known number of digits cannot be written down."""
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(minor=1, currency="XXA")


def test_the_table_has_the_currencies_whose_digits_are_often_wrong():
    """CLDR and habit round these otherwise."""
    assert {
        code: MINOR_UNIT_DIGITS[code] for code in ("ISK", "IQD", "CLF", "MGA", "UGX", "HUF")
    } == {
        "ISK": 0,
        "IQD": 3,
        "CLF": 4,
        "MGA": 2,
        "UGX": 0,
        "HUF": 2,
    }
