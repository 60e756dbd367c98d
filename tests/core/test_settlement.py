"""Settlements, written as documents: what happened, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.money import Money, Rounding
from sla_exporter.core.periods import Period
from sla_exporter.core.policy.downtime import DowntimeRule, Unknown
from sla_exporter.core.policy.terms import Cap, Component, Minimum, Objective
from sla_exporter.core.policy.tiers import Tier, Tiers
from sla_exporter.core.settlement import Hold, State, Verdict, settled_span
from sla_exporter.core.windows import Window, tidy
from tests.cast import (
    ACME,
    BIRCH,
    GOLD,
    HOUR,
    MINUTE,
    OCTOBER,
    at,
    contract,
    outage,
    percent,
    settled,
    share,
)

BRL = "BRL"


def codes(settlement) -> list[str]:
    return [step.code for step in settlement.steps]


def test_a_clean_month_owes_nothing():
    """No outage: the promise was kept, to the last millisecond."""
    clean = settled(of=contract(BIRCH))

    assert clean.verdict is Verdict.MET
    assert clean.outcome.measured.ratio == 1
    assert not clean.owes
    assert clean.state is State.POSTED


def test_an_outage_of_95_minutes_earns_a_tenth():
    """31 days are 44,640 minutes; 95 of them down leave 99.787 %, below 99.95 and above 99."""
    breached = settled(outage(3, 10, 95))

    assert breached.outcome.measured.ratio == Fraction(44_640 - 95, 44_640)
    assert breached.verdict is Verdict.BREACHED
    assert breached.credit == Money.of("49.99", BRL)
    assert codes(breached) == [
        "period",
        "measured_by_one",
        "outage",
        "availability",
        "objective_breached",
        "tier",
        "share_of_base",
    ]


@pytest.mark.parametrize(
    ("minutes", "credit"),
    [
        (22.32, "0.00"),  # exactly 99.95 %: met
        (22.33, "49.99"),
        (446.4, "49.99"),  # exactly 99 %: not below it
        (446.5, "149.97"),
        (2232, "149.97"),  # exactly 95 %
        (2233, "499.90"),
        (44_640, "499.90"),
    ],
)
def test_tiers_are_compared_before_rounding(minutes, credit):
    """On a limit, the limit itself is not below it."""
    assert settled(outage(1, 0, minutes)).credit == Money.of(credit, BRL)


@pytest.mark.parametrize(
    ("days", "minutes", "objective"),
    [(29, 208.8, "99.5"), (90, 64.8, "99.95"), (365, 262.8, "99.95")],
)
def test_the_float_trap(days, minutes, objective):
    """These are exactly the objective; binary floating point says that they are less."""
    total, down = days * 24 * 60, minutes
    assert (total - down) / total * 100 < float(objective)

    exact = 1 - Fraction(str(minutes)) / total

    assert exact == share(objective).value


def test_rounding_to_compare_would_be_wrong():
    """45 minutes of a 30-day month are 99.8958 %: due, though it rounds to 99.90."""
    policy = replace(
        GOLD,
        objective=Objective(share=share("99.9")),
        credit=Component(formula=Tiers(rows=(Tier(below=share("99.9"), pays=percent("10")),))),
    )
    november = Period.month("2026-11", "UTC")

    result = settled(
        Window(november.span.start_ms, november.span.start_ms + 45 * MINUTE),
        policy=policy,
        period=november,
    )

    assert result.owes


@pytest.mark.parametrize(
    ("unknown", "ratio", "credit"),
    [
        (Unknown.EXCLUDE, Fraction(44_640 - 400 - 22, 44_640 - 400), "0.00"),
        (Unknown.UP, Fraction(44_640 - 22, 44_640), "0.00"),
        (Unknown.DOWN, Fraction(44_640 - 422, 44_640), "49.99"),
    ],
)
def test_time_without_measurements_counts_as_the_policy_says(unknown, ratio, credit):
    """400 minutes without samples beside an outage of 22."""
    gap = Window(at(9, 1), at(9, 1, 400))

    result = settled(
        outage(9, 14, 22),
        unknown=(gap,),
        policy=replace(GOLD, downtime=DowntimeRule(unknown=unknown)),
    )

    assert result.outcome.measured.ratio == ratio
    assert result.credit == Money.of(credit, BRL)
    assert f"unknown_{unknown.value}" in codes(result)


def test_too_little_coverage_is_held_for_a_person():
    """Two days without measurements are more than the five percent that a policy tolerates."""
    result = settled(outage(20, 0, 600), unknown=(Window(at(5), at(7)),))

    assert result.holds == (Hold.COVERAGE,)
    assert result.state is State.HELD
    assert result.owes  # what it would be is computed, and shown


def test_a_month_that_nobody_measured_is_undecided():
    """There is no availability to compare, so nothing is guessed."""
    result = settled(unknown=(OCTOBER.span,))

    assert result.verdict is Verdict.UNDECIDED
    assert result.outcome.measured.ratio is None
    assert result.state is State.HELD
    assert not result.owes


@pytest.mark.parametrize(
    ("mode", "state", "holds"),
    [
        (Mode.OBSERVE, State.OBSERVED, ()),
        (Mode.REVIEW, State.HELD, (Hold.REVIEW,)),
        (Mode.AUTOMATIC, State.POSTED, ()),
    ],
)
def test_modes(mode, state, holds):
    """Observe shows, review waits for a person, automatic pays; the credit is the same."""
    result = settled(outage(3, 10, 95), mode=mode)

    assert (result.state, result.holds) == (state, holds)
    assert result.credit == Money.of("49.99", BRL)


def test_review_does_not_hold_what_owes_nothing():
    """A clean month needs nobody's approval."""
    assert settled(mode=Mode.REVIEW).state is State.POSTED


def test_a_cap_limits_the_share():
    """The table says 30 %, the cap 20."""
    result = settled(outage(3, 0, 500), policy=replace(GOLD, caps=(Cap(limit=percent("20")),)))

    assert result.credit == Money.of("99.98", BRL)
    assert "capped_period" in codes(result)


@pytest.mark.parametrize(
    ("fee", "minimum", "strict", "credit"),
    [
        ("10.00", "1.00", True, "0.00"),  # "greater than one": one is not
        ("10.00", "1.00", False, "1.00"),
        ("9.90", "1.00", False, "0.00"),
        ("10.10", "1.00", True, "1.01"),
    ],
)
def test_a_silly_credit_is_not_paid(fee, minimum, strict, credit):
    """AWS pays only what is greater than one dollar; others from one on."""
    policy = replace(GOLD, minimum=Minimum(money=Money.of(minimum, BRL), strict=strict))

    assert settled(outage(3, 0, 95), of=contract(ACME, fee), policy=policy).credit == Money.of(
        credit, BRL
    )


@pytest.mark.parametrize(
    ("mode", "credit"), [(Rounding.HALF_UP, "1.24"), (Rounding.DOWN, "1.23"), (Rounding.UP, "1.24")]
)
def test_the_credit_is_rounded_once_as_named(mode, credit):
    """A tenth of 12.35 is 1.235."""
    result = settled(
        outage(3, 0, 95), of=contract(ACME, "12.35"), policy=replace(GOLD, rounding=mode)
    )

    assert result.credit == Money.of(credit, BRL)
    assert "rounded" in codes(result)


def test_only_the_life_of_the_contract_counts():
    """An outage before the contract began costs nothing, and the month is that much shorter."""
    young = contract(ACME, since=date(2026, 10, 16))

    result = settled(outage(2, 0, 600), outage(20, 17, 12), of=young)

    assert result.span == Window(at(16), OCTOBER.span.end_ms)
    assert result.outcome.measured.ratio == Fraction(16 * 1440 - 12, 16 * 1440)
    assert "life" in codes(result)


def test_the_last_day_of_a_contract_belongs_to_it():
    """``until`` names the last day."""
    ending = contract(ACME, until=date(2026, 10, 15))

    assert settled_span(ending, OCTOBER) == Window(at(1), at(16))
    assert settled_span(ending, OCTOBER.following) is None


def test_alerts_are_told_beside_the_measurement():
    """What Alertmanager said is part of the reasoning and changes no figure."""
    alert = IncidentWindow(
        fingerprint="f",
        starts_at_ms=at(3, 10, 2),
        ends_at_ms=None,
        labels={"alertname": "SiteDown"},
    )

    told, untold = settled(outage(3, 10, 95), incidents=[alert]), settled(outage(3, 10, 95))

    assert "incident" in codes(told)
    assert told.credit == untold.credit


_outages = st.lists(
    st.tuples(st.integers(0, 30 * 24 * 60), st.integers(1, 3 * 24 * 60)), max_size=6
).map(
    lambda found: tidy(
        (at(1, 0, start), min(at(1, 0, start + length), OCTOBER.span.end_ms))
        for start, length in found
    )
)


@given(_outages, st.integers(0, 29), st.integers(1, 20))
def test_more_downtime_never_pays_less(down, day, hours):
    """Adding an outage can only raise the credit."""
    more = tidy((*down, Window(at(day + 1), at(day + 1) + hours * HOUR)))

    assert settled(*down).credit.minor <= settled(*more).credit.minor


@given(_outages)
def test_settling_twice_is_the_same(down):
    """The same evidence always gives the same settlement, step by step."""
    assert settled(*down) == settled(*down)
