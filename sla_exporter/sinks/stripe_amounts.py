"""Amounts at Stripe: whole numbers of a smallest unit that is not always the one of ISO 4217.

Every currency has two decimal places there, unless https://docs.stripe.com/currencies says
otherwise; this table is what it says under "Zero-decimal currencies", "Three-decimal currencies"
and "Special cases". What it says of HUF and TWD is about payouts only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.errors import DeliveryRefused

if TYPE_CHECKING:
    from sla_exporter.core.money import Money


class _Unit(NamedTuple):
    """How many decimal places Stripe's smallest unit has, and in which multiples it is taken."""

    digits: int
    multiples_of: int = 1


_CENTS = _Unit(2)
_UNITS = {
    code: unit
    for unit, codes in {
        _Unit(0): "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF",
        _Unit(2, multiples_of=100): "ISK UGX",  # without cents, but still written with them
        _Unit(3, multiples_of=10): "BHD JOD KWD OMR TND",
    }.items()
    for code in codes.split()
}


def to_stripe(money: Money) -> int:
    """Give the amount in Stripe's smallest unit.

    Raises:
        DeliveryRefused: if Stripe cannot take just this amount, or does not say how.
    """
    unit = _UNITS.get(money.currency)
    if unit is None and money.digits != _CENTS.digits:
        raise DeliveryRefused(f"Stripe does not say in which unit it takes {money}")
    unit = unit or _CENTS
    amount = money.amount.scaleb(unit.digits)
    if amount <= 0 or amount % unit.multiples_of:
        raise DeliveryRefused(f"Stripe does not take {money}")
    return int(amount)


def from_stripe(amount: int, currency: str) -> Decimal:
    """Give an amount in Stripe's smallest unit in major units."""
    return Decimal(amount).scaleb(-_UNITS.get(currency, _CENTS).digits)
