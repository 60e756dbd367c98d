"""A policy: everything its contract text says, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.money import Money, Rounding
from sla_exporter.core.periods import MONTHLY, PeriodRule
from sla_exporter.core.policy.claim import Claim
from sla_exporter.core.policy.downtime import DowntimeRule
from sla_exporter.core.policy.exclusions import ExclusionRule
from sla_exporter.core.policy.formula import Formula
from sla_exporter.core.policy.pay import Base, Pay
from sla_exporter.core.reasoning import Share


class Form(StrEnum):
    """What the customer gets."""

    ACCOUNT_CREDIT = "account credit"
    NEXT_INVOICE = "next invoice"
    REFUND = "refund"
    EXTENSION = "extension"
    TERMINATION = "right to terminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The promised availability; with ``over``, reaching it exactly is not enough."""

    share: Share
    over: bool = False

    def is_met_by(self, ratio: Fraction) -> bool:
        """Compare exactly."""
        return ratio > self.share.value or (ratio == self.share.value and not self.over)


class GraceKind(StrEnum):
    """What the allowed downtime does."""

    GATE = "gate"  # once it is used up, everything counts from the first minute
    DEDUCTIBLE = "deductible"  # only what is beyond it counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Grace:
    """How much downtime is free: what the objective allows, or a stated length."""

    kind: GraceKind = GraceKind.GATE
    length_ms: int | None = None

    def allowance_ms(self, objective: Objective | None, counted_ms: int) -> int | Fraction:
        """Say how much is deducted."""
        if self.kind is GraceKind.GATE:
            return 0
        if self.length_ms is not None:
            return self.length_ms
        return (1 - objective.share.value) * counted_ms if objective else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One formula with what its shares are of: a base, less named parts of it."""

    formula: Formula
    of: Base = Base.SERVICE_FEE
    minus: tuple[str, ...] = ()


class How(StrEnum):
    """How several credits are combined."""

    SUM = "sum"
    HIGHEST = "highest"  # which is also the best for the customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Several credits for the same thing."""

    how: How
    parts: tuple[Component | Combination, ...]


Credit = Component | Combination


class CapPer(StrEnum):
    """What a cap limits."""

    PERIOD = "period"
    OUTAGE = "outage"
    TWELVE_MONTHS = "12 months"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most that is paid."""

    limit: Pay
    per: CapPer = CapPer.PERIOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """No credit unless it is over an amount (``strict``) or at least that amount.

    What stays under it is forfeited, or carried over to the next one.
    """

    money: Money
    strict: bool = True
    carry: bool = False

    def is_reached_by(self, credit: Money) -> bool:
        """Compare after rounding: what is compared is what would be paid."""
        if self.strict:
            return credit.minor > self.money.minor
        return credit.minor >= self.money.minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A point that the text leaves open, and the policy as each reading of it has it."""

    text: str
    readings: Mapping[str, Policy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The promise of a contract and what breaking it costs.

    Without an objective every outage counts. ``denominator_ms`` is a length that texts put in place
    of the period's own; ``whole_period`` counts the time before and after the contract as up.
    ``fee_covers_ms`` is how much time the fee pays for, where time has a price: the period's length
    if it is not stated. ``interpretation`` explains how unclear words were read.
    """

    name: str
    credit: Credit
    objective: Objective | None = None
    effective_from: date | None = None
    period: PeriodRule = MONTHLY
    denominator_ms: int | None = None
    whole_period: bool = False
    downtime: DowntimeRule = DowntimeRule()
    exclusions: ExclusionRule = ExclusionRule()
    grace: Grace = Grace()
    fee_covers_ms: int | None = None
    caps: tuple[Cap, ...] = ()
    minimum: Minimum | None = None
    rounding: Rounding = Rounding.HALF_UP
    availability_decimals: int | None = None
    form: Form = Form.ACCOUNT_CREDIT
    expires_ms: int | None = None
    claim: Claim | None = None
    discretionary: bool = False
    interpretation: Mapping[str, str] = field(default_factory=dict)
    undecided: tuple[Undecided, ...] = ()
    mode: Mode | None = None

    @property
    def sets_limit(self) -> bool:
        """Say whether a period can be broken before any formula is asked."""
        gate = self.grace.kind is GraceKind.GATE and self.grace.length_ms is not None
        return self.objective is not None or gate

    @property
    def promised(self) -> Share | None:
        """The objective as a share."""
        return self.objective.share if self.objective else None
