"""Brakes: what keeps automatic credits from going wrong at scale.

A monitoring fault looks like an outage of everybody at once; a wrong policy like a run that costs
far more than runs do. Such credits are held for a person, all of one cause as one group, so that
one decision releases or rejects all of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.money import Money
from sla_exporter.core.periods import utc_text
from sla_exporter.core.reasoning import Moment, Share, Step, step
from sla_exporter.core.settlement import Hold, State
from sla_exporter.core.windows import Window, Windows, intersect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sla_exporter.core.settlement import Settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that may be given by itself: how many credits, how much, which share of the fees."""

    count: int | None = None
    sums: tuple[Money, ...] = ()
    share: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brakes:
    """When credits wait for a person.

    Shares are judged from ``at_least`` contracts, or credits, on: of three contracts, two that are
    down are no sign of a monitoring fault.
    """

    outage: Share = Share(Fraction(1, 5))
    at_least: int = 10
    run: Budget = Budget(share=Share(Fraction(1, 10)))
    period: Budget = Budget(share=Share(Fraction(1, 5)))
    most_of_fee: Share | None = Share(Fraction(1))
    most: tuple[Money, ...] = ()


CAREFUL = Brakes()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOutage:
    """Stretches in which more contracts were down than the brake allows, and how many at most."""

    windows: Windows = ()
    most: int = 0
    fleet: int = 0


def fleet_outage(outages: Iterable[Windows], fleet: int, brakes: Brakes) -> FleetOutage:
    """Find where too many contracts were down at the same instant.

    Args:
        outages: the outages of each contract that had any.
        fleet: how many contracts there are.
        brakes: what is too many.
    """
    changes: Counter[int] = Counter()
    for windows in outages:
        for start, end in windows:
            changes[start] += 1
            changes[end] -= 1
    found: list[Window] = []
    down = most = 0
    since: int | None = None
    for at_ms in sorted(changes):
        down += changes[at_ms]
        too_many = down >= brakes.at_least and down > brakes.outage.value * fleet
        most = max(most, down) if too_many else most
        if too_many and since is None:
            since = at_ms
        elif not too_many and since is not None:
            found.append(Window(since, at_ms))
            since = None
    return FleetOutage(windows=tuple(found), most=most, fleet=fleet)


@dataclass(slots=True)
class Tally:
    """Credits and money given, or about to be, by currency."""

    credits: int = 0
    minor: Counter[str] = field(default_factory=Counter)

    def add(self, credit: Money) -> None:
        """Count one more."""
        self.credits += 1
        self.minor[credit.currency] += credit.minor

    def exceeds(self, budget: Budget, fees: Mapping[str, int], at_least: int) -> Step | None:
        """Say which limit is crossed, if one is."""
        if budget.count is not None and self.credits > budget.count:
            return step("hold_budget_count", count=self.credits, limit=budget.count)
        for limit in budget.sums:
            if self.minor[limit.currency] > limit.minor:
                total = Money(minor=self.minor[limit.currency], currency=limit.currency)
                return step("hold_budget_sum", total=total, limit=limit)
        if budget.share is None or self.credits < at_least:
            return None
        for currency, minor in sorted(self.minor.items()):
            share = Fraction(minor, fees[currency]) if fees.get(currency) else Fraction(1)
            if share > budget.share.value:
                total = Money(minor=minor, currency=currency)
                shown = Share(share)
                return step("hold_budget_share", total=total, share=shown, limit=budget.share)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the limits of a run and of its periods are held against.

    ``run_fees`` and ``fees`` are in minor units by currency: those of the contracts in the run, and
    of all. ``periods`` is what was granted for each of its periods before this run.
    """

    name: str
    run: Tally
    run_fees: Mapping[str, int]
    fees: Mapping[str, int]
    periods: Mapping[str, Tally]


def brake(
    settlements: Sequence[Settlement], brakes: Brakes, fleet: FleetOutage, spending: Spending
) -> list[Settlement]:
    """Hold what must not go by itself; the others stay as they are.

    Single credits are judged first. Those that are left are a budget's to let through together or
    not at all: which half of a run is right cannot be known.
    """
    singly = [_judge_size(_judge_outage(one, fleet), brakes) for one in settlements]
    for one in singly:
        if _is_free(one):
            spending.run.add(one.credit)
            spending.periods[one.period.label].add(one.credit)
    return [_judge_budgets(one, brakes, spending) if _is_free(one) else one for one in singly]


def _is_free(settlement: Settlement) -> bool:
    """Say whether it goes by itself: at once, or as soon as its customer claims it."""
    return settlement.state in {State.POSTED, State.WAITING} and settlement.owes


def _judge_outage(settlement: Settlement, fleet: FleetOutage) -> Settlement:
    common = intersect(settlement.evidence.state.down, fleet.windows)
    if not common or settlement.state is State.OBSERVED:
        return settlement
    whole = next(w for w in fleet.windows if w.end_ms > common[0].start_ms)
    reason = step(
        "hold_fleet",
        at=Moment(whole.start_ms, settlement.period.zone),
        contracts=fleet.most,
        fleet=fleet.fleet,
    )
    return settlement.held_for(Hold.FLEET, reason, f"outage-{utc_text(whole.start_ms)}")


def _judge_size(settlement: Settlement, brakes: Brakes) -> Settlement:
    if settlement.state is State.OBSERVED:
        return settlement
    credit = settlement.credit
    limits = [limit for limit in brakes.most if limit.currency == credit.currency]
    if brakes.most_of_fee is not None:
        fee = settlement.contract.fee_over(settlement.span, settlement.period.zone)
        share = brakes.most_of_fee.value * fee
        limits.append(Money(minor=int(share), currency=credit.currency))
    for limit in limits:
        if credit.minor > limit.minor:
            return settlement.held_for(Hold.SIZE, step("hold_size", credit=credit, limit=limit))
    return settlement


def _judge_budgets(settlement: Settlement, brakes: Brakes, spending: Spending) -> Settlement:
    label = settlement.period.label
    crossed = spending.run.exceeds(brakes.run, spending.run_fees, brakes.at_least)
    if crossed:
        return settlement.held_for(Hold.BUDGET, crossed, f"run-{spending.name}")
    crossed = spending.periods[label].exceeds(brakes.period, spending.fees, brakes.at_least)
    if crossed:
        return settlement.held_for(Hold.BUDGET, crossed, f"period-{label}")
    return settlement
