"""Exposure: what more downtime would cost, and when."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.exposure import Outlook, Outlooks
from sla_exporter.core.policy.block import Block
from sla_exporter.core.policy.pay import Pay, Unit
from sla_exporter.core.policy.terms import Component
from sla_exporter.core.quorum import ALL
from sla_exporter.core.reasoning import Duration
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.settlement import Evidence, settle
from tests.cast import BIRCH, GOLD, MINUTE, OCTOBER, at, contract, outage

SECOND = 1_000


def standing(*down, now_ms, policy=GOLD):
    evidence = Evidence(
        state=SeriesState(down=down),
        series=1,
        interval_ms=MINUTE,
        quorum=ALL,
        open_from_ms=now_ms,
    )
    return settle(
        contract=contract(BIRCH), policy=policy, period=OCTOBER, span=OCTOBER.span,
        evidence=evidence, mode=Mode.AUTOMATIC,
    )  # fmt: skip


def test_the_first_credit_comes_when_the_allowed_downtime_is_used_up():
    """99.95 % of 31 days leave 22 minutes and 19.2 seconds."""
    found = Outlooks().of(standing(now_ms=at(10)))

    assert (found.is_down, found.per_hour_minor, found.next_credit_minor) == (False, 0, 1000)
    assert found.next_after_ms is not None
    assert 0 <= found.next_after_ms - Fraction(5, 10_000) * OCTOBER.span.length_ms <= SECOND


def test_what_was_down_already_is_used_up():
    """Twenty minutes less."""
    clean = Outlooks().of(standing(now_ms=at(10)))
    used = Outlooks().of(standing(outage(3, 0, 20), now_ms=at(10)))

    assert clean.next_after_ms - used.next_after_ms == pytest.approx(20 * MINUTE, abs=SECOND)


def test_a_running_outage_costs_by_the_hour():
    """One euro for every hour that is begun: the next hour adds one more."""
    hourly = Block(every=Duration(60 * MINUTE), pays=Pay(Unit.MONEY, Fraction(100), "EUR"))
    policy = replace(GOLD, credit=Component(formula=hourly))

    found = Outlooks().of(standing(outage(9, 23, 60), now_ms=at(10), policy=policy))

    assert (found.is_down, found.per_hour_minor, found.next_credit_minor) == (True, 100, 200)
    assert 0 < found.next_after_ms <= SECOND


def test_nothing_is_left_to_lose_at_the_highest_credit():
    """The whole fee is given back already."""
    found = Outlooks().of(standing(outage(1, 0, 3 * 24 * 60), now_ms=at(10)))

    assert found == Outlook()


def test_contracts_that_are_alike_are_computed_once():
    """Ten thousand clean contracts ask one question."""
    outlooks = Outlooks()
    one, two = (outlooks.of(standing(now_ms=at(10))) for _ in range(2))

    assert one is two


def test_what_was_found_holds_until_the_facts_change():
    """Five minutes later nothing is computed again for who is up; who is down is looked at anew."""
    outlooks = Outlooks()
    up = outlooks.of(standing(outage(3, 0, 10), now_ms=at(10)))
    down = outlooks.of(standing(outage(9, 23, 60), now_ms=at(10)))
    outlooks.forget()

    assert outlooks.of(standing(outage(3, 0, 10), now_ms=at(10, 0, 5))) is up
    assert outlooks.of(standing(outage(9, 23, 65), now_ms=at(10, 0, 5))) is not down
    assert outlooks.of(standing(outage(9, 23, 60), now_ms=at(10, 0, 5))).is_down is False


def test_a_period_that_ends_before_the_credit_rises_has_no_next_credit():
    """Ten minutes are left, and it would take twenty-two."""
    outlooks = Outlooks()
    outlooks.of(standing(now_ms=at(10)))

    assert outlooks.of(standing(now_ms=at(31, 23, 50))).next_after_ms is None
