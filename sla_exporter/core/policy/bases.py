"""Bases: what a share is a share of, in exact minor units."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.periods import midnight_ms
from sla_exporter.core.policy.pay import Base

if TYPE_CHECKING:
    from sla_exporter.core.policy.measure import Measured


def base_of(base: Base, minus: tuple[str, ...], measured: Measured) -> Fraction | None:
    """Give the base of a measured case, or ``None`` if the contract does not state it."""
    contract = measured.case.contract
    match base:
        case Base.SERVICE_FEE:
            amount = measured.fee
        case Base.FEE_AT_FAULT:
            found = _fees_at_faults(measured)
            if len(found) != 1:
                return None
            amount = Fraction(found.pop())
        case Base.ANNUAL_TWELFTH:
            if base not in contract.amounts:
                return None
            amount = Fraction(contract.amounts[base].minor, 12)
        case _:
            if base not in contract.amounts:
                return None
            amount = Fraction(contract.amounts[base].minor)
    for part in minus:
        if part in contract.parts:
            amount -= contract.parts[part].minor
    return max(amount, Fraction(0)) if minus else amount


def _fees_at_faults(measured: Measured) -> set[int]:
    """Give the fees in force when the outages began; several if the price changed in between."""
    contract, zone = measured.case.contract, measured.case.period.zone
    found: set[int] = set()
    for outage in measured.outages:
        fee = contract.fee.minor
        for day, changed in sorted(contract.price_changes):
            if midnight_ms(day, zone) <= outage.window.start_ms:
                fee = changed.minor
        found.add(fee)
    return found or {contract.fee.minor}
