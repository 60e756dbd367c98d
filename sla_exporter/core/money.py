"""Money: integer minor units of a currency, and the one place where fractions become money.

No float touches money. ``Decimal`` enters and leaves here only; in between there are integers and
exact fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sla_exporter.core.currencies import MINOR_UNIT_DIGITS

if TYPE_CHECKING:
    from fractions import Fraction


class Rounding(StrEnum):
    """How an exact amount becomes minor units; away from zero and towards it as accountants say."""

    HALF_UP = "half up"
    HALF_EVEN = "half even"
    UP = "up"
    DOWN = "down"


def round_fraction(value: Fraction, mode: Rounding) -> int:
    """Round to a whole number; ``half up`` and ``up`` go away from zero."""
    sign = -1 if value < 0 else 1
    whole, rest = divmod(abs(value.numerator), value.denominator)
    over_half = 2 * rest - value.denominator
    match mode:
        case Rounding.HALF_UP:
            goes_up = over_half >= 0
        case Rounding.HALF_EVEN:
            goes_up = over_half > 0 or (over_half == 0 and whole % 2 == 1)
        case Rounding.UP:
            goes_up = rest > 0
        case _:
            goes_up = False
    return sign * (whole + goes_up)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in minor units (cents) of an ISO 4217 currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in MINOR_UNIT_DIGITS:
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency code")

    @classmethod
    def of(cls, amount: Decimal | str, currency: str) -> Money:
        """Take an amount in major units, as in ``Money.of("499.90", "BRL")``.

        Raises:
            ValueError: if the currency is unknown, or the amount has more digits than it has.
        """
        zero = cls(minor=0, currency=currency)
        minor = Decimal(amount).scaleb(zero.digits)
        if minor != minor.to_integral_value():
            raise ValueError(f"{amount} {currency} has more than {zero.digits} decimal places")
        return cls(minor=int(minor), currency=currency)

    @property
    def digits(self) -> int:
        """How many decimal places the currency has."""
        return MINOR_UNIT_DIGITS[self.currency]

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with all decimal places of the currency."""
        return Decimal(self.minor).scaleb(-self.digits)

    def rounded_to(self, minor: Fraction, mode: Rounding) -> Money:
        """Give an exact number of minor units of this currency as money."""
        return Money(minor=round_fraction(minor, mode), currency=self.currency)

    def __str__(self) -> str:
        return f"{self.currency} {self.amount:,.{self.digits}f}"
