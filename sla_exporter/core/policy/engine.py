"""The engine: a policy and a case in, what is owed out, with every step of the way.

In this order: measure, compare with the objective, ask the formulas, turn what they pay into money
or time, cap it, round it once, and hold it against the minimum. What the text does not decide is a
flag for a person and never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.money import Money
from sla_exporter.core.policy.bases import base_of
from sla_exporter.core.policy.caps import capped
from sla_exporter.core.policy.claim import ClaimState, claim_state
from sla_exporter.core.policy.grant import Grant
from sla_exporter.core.policy.measure import Measured, availability_step, measure
from sla_exporter.core.policy.terms import Component, Form, GraceKind, How
from sla_exporter.core.reasoning import Exact, Moment, Step, step

if TYPE_CHECKING:
    from sla_exporter.core.policy.case import Case
    from sla_exporter.core.policy.claim import Claim
    from sla_exporter.core.policy.terms import Credit, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a policy says about a case.

    ``credit`` is the money that is owed; ``extension_days`` and ``may_terminate`` what is owed in
    other forms. ``flags`` are the reasons why a person must decide; ``carried`` is what stays under
    the minimum for next time.
    """

    measured: Measured
    breached: bool
    credit: Money
    extension_days: Fraction = Fraction(0)
    may_terminate: bool = False
    carried: Money | None = None
    claim: ClaimState | None = None
    steps: tuple[Step, ...] = ()
    flags: tuple[Step, ...] = ()

    @property
    def owes(self) -> bool:
        """Say whether anything is owed, in whatever form."""
        return bool(self.credit.minor or self.extension_days or self.may_terminate)

    @property
    def verdict(self) -> tuple[object, ...]:
        """What readings of a text are compared by."""
        return self.credit, self.extension_days, self.may_terminate, bool(self.flags)


def evaluate(policy: Policy, case: Case) -> Outcome:
    """Say what a policy owes in a case."""
    outcome = _evaluate_reading(policy, case)
    if not policy.undecided:
        return outcome
    flags: list[Step] = []
    for point in policy.undecided:
        readings = {n: _evaluate_reading(p, case) for n, p in point.readings.items()}
        if len({reading.verdict for reading in readings.values()}) > 1:
            told = "; ".join(f"{name}: {_worth(reading)}" for name, reading in readings.items())
            flags.append(step("undecided", text=point.text, readings=told))
    return replace(outcome, flags=(*outcome.flags, *flags))


def _evaluate_reading(policy: Policy, case: Case) -> Outcome:
    measured = measure(policy, case)
    nothing = Money(minor=0, currency=case.contract.fee.currency)
    steps = [*measured.steps, availability_step(measured)]
    breached = _is_breached(policy, measured, steps)
    if not breached:
        return Outcome(measured=measured, breached=False, credit=nothing, steps=tuple(steps))
    granted = _grant(policy.credit, measured)
    steps.extend(granted.steps)
    granted = capped(granted, measured, steps)
    credit, carried = _in_money(policy, granted, nothing, steps)
    claim, flags = None, granted.flags
    if credit.minor or granted.days or granted.may_terminate:
        claim = _claim(policy, case, steps)
        flags = (*flags, step("discretionary")) if policy.discretionary else flags
    if claim in {ClaimState.LATE, ClaimState.NO_TICKET}:
        credit, granted = nothing, Grant(flags=granted.flags)
    return Outcome(
        measured=measured,
        breached=policy.sets_limit or bool(granted.is_something or claim or flags),
        credit=credit,
        extension_days=granted.days if policy.form is Form.EXTENSION else Fraction(0),
        may_terminate=granted.may_terminate,
        carried=carried,
        claim=claim,
        steps=tuple(steps),
        flags=flags,
    )


def _is_breached(policy: Policy, measured: Measured, steps: list[Step]) -> bool:
    """Compare with the objective; without one, formulas decide."""
    if measured.ratio is None:
        return False
    grace = policy.grace
    if grace.kind is GraceKind.GATE and grace.length_ms is not None:
        return measured.downtime_ms > grace.length_ms
    if policy.objective is None:
        return True
    met = policy.objective.is_met_by(measured.ratio)
    code = "objective_met" if met else "objective_breached"
    steps.append(step(code, objective=policy.objective.share))
    return not met


def _grant(credit: Credit, measured: Measured) -> Grant:
    """Turn what the formulas pay into exact money or time, and combine it."""
    if isinstance(credit, Component):
        award = credit.formula.award(measured)
        base = base_of(credit.of, credit.minus, measured)
        return Grant.of(award, credit.of, base, measured)
    parts = [_grant(part, measured) for part in credit.parts]
    return Grant.summed(parts) if credit.how is How.SUM else Grant.highest(parts)


def _in_money(
    policy: Policy, granted: Grant, nothing: Money, steps: list[Step]
) -> tuple[Money, Money | None]:
    """Round what is owed in money, once, and hold it against the minimum; what is left is kept."""
    minor = granted.minor
    if policy.form is Form.EXTENSION or not minor:
        return nothing, None
    credit = nothing.rounded_to(minor, policy.rounding)
    if minor.denominator != 1:
        amount, mode = Exact(minor, nothing.currency), policy.rounding.value
        steps.append(step("rounded", amount=amount, mode=mode, credit=credit))
    minimum = policy.minimum
    if minimum is None or minimum.is_reached_by(credit):
        return credit, None
    code = "not_over_minimum" if minimum.strict else "under_minimum"
    steps.append(step(code, credit=credit, minimum=minimum.money))
    if not minimum.carry:
        return nothing, None
    steps.append(step("carried_over", credit=credit))
    return nothing, credit


def _claim(policy: Policy, case: Case, steps: list[Step]) -> ClaimState | None:
    """Judge the claim, if the policy wants one."""
    if policy.claim is None:
        return None
    state = claim_state(policy.claim, case)
    steps.append(_claim_step(policy.claim, state, case))
    return state


def _claim_step(claim: Claim, state: ClaimState, case: Case) -> Step:
    code = f"claim_{state.value.replace(' ', '_')}"
    if state is ClaimState.NO_TICKET:
        return step(code)
    if claim.within is None:
        return step(f"{code}_any_time")
    return step(code, deadline=Moment(claim.within.end_ms(case), case.period.zone))


def _worth(outcome: Outcome) -> str:
    """Say shortly what an outcome is worth."""
    if outcome.flags:
        return "undecided"
    if outcome.may_terminate:
        return "right to terminate"
    if outcome.extension_days:
        return f"{outcome.extension_days} days"
    return str(outcome.credit)
