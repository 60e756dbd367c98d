"""A made-up case that shows what a policy does: the shortest usual outage that earns something."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sla_exporter.core.catalogue import Contract, Customer
from sla_exporter.core.money import Money
from sla_exporter.core.periods import midnight_ms
from sla_exporter.core.policy.case import Case, Outage
from sla_exporter.core.policy.engine import Outcome, evaluate
from sla_exporter.core.policy.flaws import currencies
from sla_exporter.core.policy.pay import Base
from sla_exporter.core.policy.terms import Policy
from sla_exporter.core.windows import Window

if TYPE_CHECKING:
    from sla_exporter.core.periods import Period

HOUR_MS = 3_600_000
_HOURS = (2, 8, 24, 72)
_FEE = "100"


def example(policy: Policy, currency: str = "USD") -> Outcome:
    """Evaluate one outage of a contract that costs 100.00 in the policy's own currency or this one.

    Of some usual lengths it takes the first that earns anything, or else the last one.
    """
    contract = _contract(min(currencies(policy), default=currency))
    zone = policy.period.zone or contract.customer.zone
    day = (policy.effective_from or date(2026, 1, 1)) + timedelta(days=40)
    start_ms = midnight_ms(day, zone) + 10 * HOUR_MS
    period = policy.period.containing(start_ms, zone, contract.since)
    found = [evaluate(policy, _case(contract, period, start_ms, hours)) for hours in _HOURS]
    clear = [outcome for outcome in found if outcome.owes and not outcome.flags]
    return next((outcome for outcome in clear or found if outcome.owes or outcome.flags), found[-1])


def _contract(currency: str) -> Contract:
    fee = Money.of(_FEE, currency)
    amounts = dict.fromkeys(Base, fee) | {Base.ANNUAL_TWELFTH: replace(fee, minor=12 * fee.minor)}
    return Contract(
        id="example",
        customer=Customer(id="example", name="", currency=currency),
        service="example",
        policy="",
        fee=fee,
        since=date(2020, 1, 1),
        amounts=amounts,
    )


def _case(contract: Contract, period: Period, start_ms: int, hours: int) -> Case:
    window = Window(start_ms, start_ms + hours * HOUR_MS)
    return Case(
        contract=contract,
        period=period,
        span=period.span,
        outages=(Outage(window=window, reported_at_ms=start_ms),),
        breached_before=(True,) * 12,
        ticket_at_ms=start_ms,
        claimed_at_ms=start_ms,
    )
