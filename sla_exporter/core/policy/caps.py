"""Caps: the most that is paid, for an outage, a period, or twelve months."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.policy.bases import base_of
from sla_exporter.core.policy.grant import in_days, in_minor
from sla_exporter.core.policy.pay import Base, Unit
from sla_exporter.core.policy.terms import Cap, CapPer, Component, Form
from sla_exporter.core.reasoning import Exact, Step, step

if TYPE_CHECKING:
    from sla_exporter.core.policy.grant import Grant
    from sla_exporter.core.policy.measure import Measured
    from sla_exporter.core.policy.terms import Credit


def capped(grant: Grant, measured: Measured, steps: list[Step]) -> Grant:
    """Apply every cap of the policy, those for single outages first."""
    order = [CapPer.OUTAGE, CapPer.PERIOD, CapPer.TWELVE_MONTHS]
    for cap in sorted(measured.policy.caps, key=lambda cap: order.index(cap.per)):
        grant = _apply(cap, grant, measured, steps)
    return grant


def _apply(cap: Cap, grant: Grant, measured: Measured, steps: list[Step]) -> Grant:
    if measured.policy.form is Form.EXTENSION:
        return _cap_days(cap, grant, measured, steps)
    limit = _limit_minor(cap, measured)
    if limit is None:
        if grant.minor:
            flag = step("base_unknown", base=(cap.limit.of or Base.SERVICE_FEE).value)
            return replace(grant, flags=(*grant.flags, flag))
        return grant
    currency = measured.case.contract.fee.currency
    if cap.per is CapPer.OUTAGE and grant.by_outage:
        parts = tuple(min(part, limit) for part in grant.parts)
    else:
        parts = (min(grant.minor, limit),) if grant.parts else ()
    result = replace(grant, parts=parts, by_outage=cap.per is CapPer.OUTAGE and grant.by_outage)
    if result.minor < grant.minor:
        code = f"capped_{cap.per.name.lower()}"
        steps.append(step(code, cap=cap.limit, amount=Exact(result.minor, currency)))
    return result


def _limit_minor(cap: Cap, measured: Measured) -> Fraction | None:
    minus: tuple[str, ...] = ()
    of = cap.limit.of
    if of is None:
        of, minus = _first_base(measured.policy.credit)
    base = base_of(of, minus, measured)
    limit = in_minor(cap.limit, base, measured)
    if limit is None or cap.per is not CapPer.TWELVE_MONTHS:
        return limit
    before = measured.case.granted_before
    return max(limit - (before.minor if before else 0), Fraction(0))


def _first_base(credit: Credit) -> tuple[Base, tuple[str, ...]]:
    """Give the base that a cap without one is a share of: that of the first formula."""
    while not isinstance(credit, Component):
        credit = credit.parts[0]
    return credit.of, credit.minus


def _cap_days(cap: Cap, grant: Grant, measured: Measured, steps: list[Step]) -> Grant:
    if cap.limit.unit in {Unit.SHARE, Unit.MONEY}:
        return grant
    limit = in_days(cap.limit, measured)
    if grant.days <= limit:
        return grant
    steps.append(step("capped_days", cap=cap.limit))
    return replace(grant, days=limit)
