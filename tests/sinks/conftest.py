"""Credits for the sinks' tests."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from sla_exporter.core.ledger import grant
from sla_exporter.core.money import Money
from sla_exporter.core.policy.terms import Form
from sla_exporter.ports.delivery import Credit
from tests.cast import outage, settled
from tests.conftest import FixedClock

NOW = 1_793_000_000_000
CLOCK = FixedClock(NOW)
ENTRY = grant(settled(outage(3, 10, 95)), NOW)
LOOPBACK = (ip_network("127.0.0.0/8"),)
NOWHERE = "http://127.0.0.1:1"


def credit_for(
    account: str, form: Form = Form.ACCOUNT_CREDIT, amount: str = "49.99", currency: str = "BRL"
) -> Credit:
    entry = replace(ENTRY, form=form, amount=Money.of(amount, currency))
    return Credit(entry=entry, account=account)


def another(credit: Credit, number: int = 2, **changes) -> Credit:
    entry = replace(credit.entry, key=f"{credit.entry.key}/{number}")
    return replace(credit, entry=replace(entry, **changes))
