"""A grant: what formulas pay, as exact money and as time, before any cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sla_exporter.core.policy.formula import Award
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Base, Pay, Unit
from sla_exporter.core.policy.terms import Form
from sla_exporter.core.reasoning import Exact, Share, Step, step

HOUR_MS = 3_600_000
NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """``parts`` are exact minor units, one for each outage if ``by_outage``; ``days`` are time."""

    parts: tuple[Fraction, ...] = ()
    by_outage: bool = False
    days: Fraction = NOTHING
    may_terminate: bool = False
    steps: tuple[Step, ...] = ()
    flags: tuple[Step, ...] = ()

    @property
    def minor(self) -> Fraction:
        """All money together."""
        return self.parts[0] if len(self.parts) == 1 else sum(self.parts, NOTHING)

    @property
    def is_something(self) -> bool:
        """Say whether anything was granted."""
        return bool(self.minor or self.days or self.may_terminate)

    @classmethod
    def of(cls, award: Award, of: Base, base: Fraction | None, measured: Measured) -> Grant:
        """Value an award; what needs an amount that the contract does not state is a flag."""
        flags = list(award.flags)
        steps = list(award.steps)
        money: list[Fraction] = []
        days = Fraction(0)
        extends = measured.policy.form is Form.EXTENSION
        for pay in award.pays:
            if pay.unit is Unit.RIGHT:
                continue
            if extends and pay.unit is not Unit.SHARE:
                days += in_days(pay, measured)
                continue
            value = in_minor(pay, base, measured)
            if value is not None:
                money.append(value)
        shares = [pay for pay in award.pays if pay.unit is Unit.SHARE]
        if shares and base is None:
            flags.append(step("base_unknown", base=of.value))
        elif shares and base is not None:
            steps.append(_share_step(shares, of, base, measured))
        return cls(
            parts=tuple(money),
            by_outage=award.by_outage,
            days=days,
            may_terminate=any(pay.unit is Unit.RIGHT for pay in award.pays),
            steps=tuple(steps),
            flags=tuple(flags),
        )

    @classmethod
    def summed(cls, parts: Sequence[Grant]) -> Grant:
        """Add grants up."""
        return cls(
            parts=tuple(minor for part in parts for minor in part.parts),
            by_outage=all(part.by_outage for part in parts),
            days=sum((part.days for part in parts), Fraction(0)),
            may_terminate=any(part.may_terminate for part in parts),
            steps=tuple(s for part in parts for s in part.steps),
            flags=tuple(flag for part in parts for flag in part.flags),
        )

    @classmethod
    def highest(cls, parts: Sequence[Grant]) -> Grant:
        """Keep the grant that is worth most; a right is kept beside it."""
        best = max(parts, key=lambda part: (part.minor, part.days))
        steps = [s for part in parts for s in part.steps]
        if sum(part.is_something for part in parts) > 1:
            steps.append(step("highest_counts"))
        return cls(
            parts=best.parts,
            by_outage=best.by_outage,
            days=best.days,
            may_terminate=any(part.may_terminate for part in parts),
            steps=tuple(steps),
            flags=tuple(flag for part in parts for flag in part.flags),
        )


def in_minor(pay: Pay, base: Fraction | None, measured: Measured) -> Fraction | None:
    """Value an amount in minor units; ``None`` if that needs a base that is not known."""
    match pay.unit:
        case Unit.SHARE:
            return None if base is None else pay.amount * base
        case Unit.MONEY:
            return pay.amount
        case Unit.MONTHS:
            return pay.amount * measured.fee / measured.policy.period.months
        case Unit.RIGHT:
            return Fraction(0)
        case Unit.HOURS:
            return pay.amount * HOUR_MS * measured.fee / measured.fee_covers_ms
        case _:
            return pay.amount * measured.fee / measured.fee_covers_days


def in_days(pay: Pay, measured: Measured) -> Fraction:
    """Value an amount of time in days; a month is as long as the fee says, or the period."""
    match pay.unit:
        case Unit.DAYS:
            return pay.amount
        case Unit.HOURS:
            return pay.amount / 24
        case _:
            return pay.amount * measured.fee_covers_days / measured.policy.period.months


def _share_step(shares: Sequence[Pay], of: Base, base: Fraction, measured: Measured) -> Step:
    total = sum((pay.amount for pay in shares[1:]), shares[0].amount)
    currency = measured.case.contract.fee.currency
    amount = Exact(total * base, currency)
    return step(
        "share_of_base", share=Share(total), base=of.value, of=Exact(base, currency), amount=amount
    )
