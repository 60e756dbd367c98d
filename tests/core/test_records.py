"""Cases survive a trip through JSON, exactly."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from sla_exporter.core.matchers import Matcher
from sla_exporter.core.money import Money
from sla_exporter.core.periods import Period, PeriodKind, PeriodRule
from sla_exporter.core.policy.case import Case, Exclusion, ExclusionKind, Outage
from sla_exporter.core.policy.engine import evaluate
from sla_exporter.core.policy.pay import Base
from sla_exporter.core.records import CaseRecord, read_case, to_plain
from tests.cast import ACME, GOLD, OCTOBER, contract, outage, settled

FULL = Case(
    contract=contract(
        replace(ACME, email=(), billing={"whmcs": "42"}),
        until=date(2027, 1, 31),
        matchers=(Matcher.parse('host=~"a|b"'),),
        amounts={Base.WHOLE_BILL: Money.of("900.00", "BRL")},
        parts={"support": Money.of("10.00", "BRL")},
        price_changes=((date(2026, 10, 11), Money.of("200.00", "BRL")),),
    ),
    period=OCTOBER,
    span=OCTOBER.span,
    outages=(Outage(window=outage(3, 10, 95), affected=Fraction(1, 3), reported_at_ms=5),),
    unknown=(outage(9, 0, 5),),
    exclusions=(Exclusion(window=outage(4, 0, 60), kind=ExclusionKind.CUSTOMER),),
    ratio=Fraction(1999, 2000),
    breached_before=(True, False),
    granted_before=Money.of("1.00", "BRL"),
    carried=Money.of("0.40", "BRL"),
    counts={"late answers": 3},
    claimed_at_ms=7,
)


@pytest.mark.parametrize("case", [FULL, replace(FULL, ratio=None, counts={})])
def test_a_case_is_read_back_as_it_was(case):
    """Every field, whatever its type."""
    assert read_case(json.loads(json.dumps(to_plain(case)))) == case


def test_other_periods_survive_too():
    """A trailing year keeps its rule and its two spans."""
    rule = PeriodRule(kind=PeriodKind.TRAILING, zone="America/Sao_Paulo", days=365)
    period: Period = rule.containing(OCTOBER.span.start_ms, "America/Sao_Paulo", date(2020, 1, 1))
    case = replace(FULL, period=period, span=period.span)

    assert read_case(json.loads(json.dumps(to_plain(case)))) == case


def test_a_record_computes_the_same_credit():
    """And says nothing of how the customer is reached."""
    settlement = settled(outage(3, 10, 95))

    record = CaseRecord.of(settlement)

    assert evaluate(GOLD, read_case(record.case)).credit == settlement.credit
    assert "acme.example" not in json.dumps(record.case)
