"""A policy: everything its contract text says, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from sla_exporter.core.availability import Unknown
from sla_exporter.core.money import Rounding
from sla_exporter.core.reasoning import Share

if TYPE_CHECKING:
    from sla_exporter.core.availability import Availability
    from sla_exporter.core.catalogue import Mode
    from sla_exporter.core.money import Money
    from sla_exporter.core.reasoning import Step


class Form(StrEnum):
    """What the customer gets."""

    ACCOUNT_CREDIT = "account credit"
    NEXT_INVOICE = "next invoice"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Award:
    """What a formula grants, as a share of the base, and the steps that led there."""

    share: Share
    steps: tuple[Step, ...] = ()


class Formula(Protocol):
    """A family of credit formulas; see :mod:`sla_exporter.core.policy.families`."""

    def award(self, availability: Availability) -> Award:
        """Say what is due once the objective was missed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """No credit unless it is over an amount (``strict``) or at least that amount."""

    money: Money
    strict: bool = True

    def is_reached_by(self, credit: Money) -> bool:
        """Compare after rounding: what is compared is what would be paid."""
        if self.strict:
            return credit.minor > self.money.minor
        return credit.minor >= self.money.minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The promise of a contract and what breaking it costs.

    ``zone`` is the zone of the period, or ``None`` for the customer's; ``mode`` overrides the mode
    that holds for all. The base of every share is the contract's fee.
    """

    name: str
    objective: Share
    credit: Formula
    zone: str | None = None
    unknown: Unknown = Unknown.EXCLUDE
    min_coverage: Share = Share(Fraction(95, 100))
    cap: Share | None = None
    minimum: Minimum | None = None
    rounding: Rounding = Rounding.HALF_UP
    form: Form = Form.ACCOUNT_CREDIT
    mode: Mode | None = None
