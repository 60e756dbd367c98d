"""What a policy pays, as a tagged value: a share, money, time, or a right. Never a bare number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction


class Base(StrEnum):
    """What a share is a share of."""

    SERVICE_FEE = "service fee"
    WHOLE_BILL = "whole bill"
    PREVIOUS_INVOICE = "previous invoice"
    NEXT_INVOICE = "next invoice"
    ANNUAL_TWELFTH = "1/12 of annual fee"
    RENEWAL_FEE = "renewal fee"
    FEE_AT_FAULT = "fee at the time of the fault"


class Unit(StrEnum):
    """What an amount is an amount of."""

    SHARE = "share"  # 1 is all of the base
    MONEY = "money"  # in minor units of the currency
    HOURS = "hours"  # of service
    DAYS = "days"
    MONTHS = "months"
    RIGHT = "right"  # to terminate


TIME_UNITS = frozenset({Unit.HOURS, Unit.DAYS, Unit.MONTHS})


@dataclass(frozen=True, slots=True)
class Pay:
    """An amount with its unit; a share may name its own base."""

    unit: Unit
    amount: Fraction = Fraction(1)
    currency: str = ""
    of: Base | None = None

    def times(self, factor: Fraction | int) -> Pay:
        """Multiply."""
        return replace(self, amount=self.amount * factor)

    @property
    def is_nothing(self) -> bool:
        """Say whether there is nothing in it."""
        return not self.amount


def share_of(value: Fraction) -> Pay:
    """Give a share of the policy's base."""
    return Pay(Unit.SHARE, value)


NOTHING = share_of(Fraction(0))
TERMINATION = Pay(Unit.RIGHT)
