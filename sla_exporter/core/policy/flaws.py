"""What is wrong with a policy as a whole, and what it leaves to a person."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from sla_exporter.core.periods import DAY_MS, PeriodKind
from sla_exporter.core.policy.formula import Flaw
from sla_exporter.core.policy.pay import Pay, Unit
from sla_exporter.core.policy.terms import (
    CapPer,
    Combination,
    Component,
    Credit,
    Form,
    GraceKind,
    Policy,
)
from sla_exporter.core.reasoning import Duration, step

_LENGTHS_IN_DAYS = {
    PeriodKind.QUARTER: (90, 92),
    PeriodKind.YEAR: (365, 366),
}


def flaws(policy: Policy) -> Iterator[Flaw]:
    """Say everything that its author should know."""
    for component in components(policy.credit):
        yield from component.formula.flaws(policy.objective)
    yield from _caps(policy)
    yield from _minimum(policy)
    yield from _grace(policy)
    yield from _form(policy)
    yield from _currencies(policy)
    yield from _open_points(policy)


def components(credit: Credit) -> Iterator[Component]:
    """Give every formula of a credit."""
    if isinstance(credit, Combination):
        for part in credit.parts:
            yield from components(part)
    else:
        yield credit


def amounts(policy: Policy) -> Iterator[Pay]:
    """Give every amount that a policy may pay."""
    for component in components(policy.credit):
        yield from component.formula.amounts()


def currencies(policy: Policy) -> set[str]:
    """Give the currencies of the amounts that a policy names."""
    named = [*amounts(policy), *(cap.limit for cap in policy.caps)]
    found = {pay.currency for pay in named if pay.unit is Unit.MONEY}
    return found | ({policy.minimum.money.currency} if policy.minimum else set())


def _caps(policy: Policy) -> Iterator[Flaw]:
    """A row that pays more than the cap never pays what it says."""
    for cap in policy.caps:
        if cap.per is CapPer.TWELVE_MONTHS:
            continue
        over = [pay for component in components(policy.credit) for pay in _rows_of(component)]
        alike = [p for p in over if p.unit is cap.limit.unit and p.of is cap.limit.of]
        highest = max(alike, key=lambda pay: pay.amount, default=None)
        if highest and highest.amount > cap.limit.amount:
            yield Flaw(said=step("cap_under_row", cap=cap.limit, pays=highest), path=("cap",))


def _rows_of(component: Component) -> Iterator[Pay]:
    yield from (row.pays for row in getattr(component.formula, "rows", ()))


def _minimum(policy: Policy) -> Iterator[Flaw]:
    """A minimum over the most that can be paid is never reached."""
    if policy.minimum is None:
        return
    money = policy.minimum.money
    most = [cap.limit for cap in policy.caps if cap.per is not CapPer.TWELVE_MONTHS]
    limits = [pay for pay in most if pay.unit is Unit.MONEY and pay.currency == money.currency]
    if not limits:
        return
    most_minor = min(pay.amount for pay in limits)
    if most_minor < money.minor or (policy.minimum.strict and most_minor == money.minor):
        least = min(limits, key=lambda pay: pay.amount)
        yield Flaw(said=step("minimum_never", minimum=money, most=least), path=("minimum",))


def _grace(policy: Policy) -> Iterator[Flaw]:
    grace, objective = policy.grace, policy.objective
    if grace.kind is GraceKind.DEDUCTIBLE and grace.length_ms is None:
        if objective is None or objective.share.value == 1:
            yield Flaw(said=step("nothing_to_deduct"), path=("grace",))
        return
    if grace.length_ms is None or objective is None:
        return
    least, most = (int((1 - objective.share.value) * days * DAY_MS) for days in _days(policy))
    if not least <= grace.length_ms <= most:
        said = step(
            "grace_contradicts",
            grace=Duration(grace.length_ms),
            objective=objective.share,
            least=Duration(least),
            most=Duration(most),
        )
        yield Flaw(said=said, path=("grace",), wrong=grace.kind is GraceKind.GATE)


def _days(policy: Policy) -> tuple[Fraction, Fraction]:
    """Give the shortest and the longest that a period can be, in days."""
    if policy.denominator_ms is not None:
        days = Fraction(policy.denominator_ms, DAY_MS)
        return days, days
    if policy.period.days:
        return Fraction(policy.period.days), Fraction(policy.period.days)
    least, most = _LENGTHS_IN_DAYS.get(policy.period.kind, (28, 31))
    return Fraction(least), Fraction(most)


def _form(policy: Policy) -> Iterator[Flaw]:
    """Time is given only as an extension; money never is."""
    for pay in amounts(policy):
        if policy.form is Form.EXTENSION and pay.unit in {Unit.SHARE, Unit.MONEY}:
            yield Flaw(said=step("money_as_extension", pays=pay), path=("form",))
        if policy.form is Form.TERMINATION and pay.unit is not Unit.RIGHT:
            yield Flaw(said=step("money_as_right", pays=pay), path=("form",))


def _currencies(policy: Policy) -> Iterator[Flaw]:
    named = sorted(currencies(policy))
    if len(named) > 1:
        yield Flaw(said=step("several_currencies", named=", ".join(named)))


def _open_points(policy: Policy) -> Iterator[Flaw]:
    for index, point in enumerate(policy.undecided):
        readings = "; ".join(point.readings)
        said = step("point_undecided", text=point.text, readings=readings)
        yield Flaw(said=said, path=("undecided", str(index)), wrong=False)
    if policy.discretionary:
        yield Flaw(said=step("credit_discretionary"), path=("discretionary",), wrong=False)
