"""What holds for every policy and every month, whatever happened in it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.money import Money
from sla_exporter.core.policy.block import Block, Rounds
from sla_exporter.core.policy.case import Case, Exclusion, Outage
from sla_exporter.core.policy.engine import evaluate
from sla_exporter.core.policy.measure import measure
from sla_exporter.core.policy.pay import Pay, Unit
from sla_exporter.core.policy.per_step import PerStep
from sla_exporter.core.policy.prorata import Prorata
from sla_exporter.core.policy.table import Per, Table, TableRow
from sla_exporter.core.policy.terms import Cap, Combination, Component, How
from sla_exporter.core.reasoning import Duration
from sla_exporter.core.windows import Window, tidy, total_ms
from tests.cast import ACME, GOLD, HOUR, MINUTE, OCTOBER, at, contract, percent, share

FEE = 49_990
HOURLY = Block(every=Duration(HOUR), pays=percent("5"), per=Per.OUTAGE)
BY_LENGTH = Table(
    rows=(
        TableRow(below=Duration(10 * MINUTE), pays=percent("1")),
        TableRow(at_least=Duration(10 * MINUTE), below=Duration(HOUR), pays=percent("4")),
        TableRow(at_least=Duration(HOUR), pays=percent("30")),
    ),
    per=Per.PERIOD,
)
MONOTONE = {
    "tiers": GOLD.credit,
    "block of the period": Component(formula=replace(HOURLY, per=Per.PERIOD)),
    "full blocks": Component(formula=replace(HOURLY, per=Per.PERIOD, counted=Rounds.FULL)),
    "prorata": Component(formula=Prorata(times=10)),
    "steps": Component(formula=PerStep(step=share("0.1"), pays=percent("10"))),
    "table of the period": Component(formula=BY_LENGTH),
    "sum": Combination(how=How.SUM, parts=(GOLD.credit, Component(formula=Prorata()))),
    "highest": Combination(how=How.HIGHEST, parts=(GOLD.credit, Component(formula=Prorata()))),
}

_minutes = st.integers(0, 31 * 24 * 60)
_windows = st.lists(
    st.tuples(_minutes, st.integers(1, 3_000)).map(
        lambda drawn: Window(at(1, 0, drawn[0]), at(1, 0, drawn[0] + drawn[1]))
    ),
    max_size=6,
)


def case(windows, **changes) -> Case:
    outages = tuple(Outage(window=window) for window in windows)
    of = contract(ACME, "499.90")
    plain = Case(contract=of, period=OCTOBER, span=OCTOBER.span, outages=outages)
    return replace(plain, **changes)


def owed(credit, windows) -> int:
    return evaluate(replace(GOLD, credit=credit), case(windows)).credit.minor


@pytest.mark.parametrize("family", MONOTONE)
@given(windows=_windows, more=_windows)
def test_more_downtime_never_pays_less(family, windows, more):
    """Whatever is added, and wherever."""
    assert owed(MONOTONE[family], windows) <= owed(MONOTONE[family], [*windows, *more])


@pytest.mark.parametrize("family", [*MONOTONE, "block of each outage"])
@given(windows=_windows, limit=st.integers(0, 200))
def test_a_credit_is_never_over_its_cap(family, windows, limit):
    """To the cent: rounding happens after capping."""
    credit = MONOTONE.get(family, Component(formula=HOURLY))
    policy = replace(GOLD, credit=credit, caps=(Cap(limit=Pay(Unit.SHARE, Fraction(limit, 100))),))

    outcome = evaluate(policy, case(windows))

    most = Money(minor=0, currency="BRL").rounded_to(Fraction(FEE * limit, 100), policy.rounding)
    assert outcome.credit.minor <= most.minor


@given(windows=_windows, at_minute=_minutes)
def test_a_period_in_two_parts_is_the_whole(windows, at_minute):
    """Downtime, counted time, and what is owed for each minute of it."""
    cut = min(at(1, 0, at_minute), OCTOBER.span.end_ms - 1)
    start, end = OCTOBER.span
    policy = replace(GOLD, objective=None, credit=Component(formula=Prorata()))
    spans = [span for span in (Window(start, cut), Window(cut, end)) if span.length_ms]

    parts = [measure(policy, case(windows, span=span)) for span in spans]
    whole = measure(policy, case(windows))

    assert sum(part.down_ms for part in parts) == whole.down_ms
    assert sum(part.counted_ms for part in parts) == whole.counted_ms
    shares = [pay.amount for part in parts for pay in Prorata().award(part).pays]
    assert sum(shares) == sum(pay.amount for pay in Prorata().award(whole).pays)


@pytest.mark.parametrize("family", [*MONOTONE, "block of each outage"])
@given(data=st.data(), windows=_windows)
def test_the_order_of_outages_is_nothing(family, data, windows):
    """Nor is that of the evidence: every step is the same."""
    policy = replace(GOLD, credit=MONOTONE.get(family, Component(formula=HOURLY)))
    shuffled = data.draw(st.permutations(windows))

    assert evaluate(policy, case(windows)).steps == evaluate(policy, case(shuffled)).steps


@given(windows=_windows)
def test_parallel_outages_never_count_twice(windows):
    """They count as their union."""
    twice = evaluate(GOLD, case([*windows, *windows]))

    assert twice.measured.down_ms == sum(
        window.length_ms for window in tidy(windows) if window.end_ms <= OCTOBER.span.end_ms
    ) + sum(
        OCTOBER.span.end_ms - window.start_ms
        for window in tidy(windows)
        if window.start_ms < OCTOBER.span.end_ms < window.end_ms
    )
    assert twice.credit == evaluate(GOLD, case(tidy(windows))).credit


@given(windows=_windows, free=_windows)
def test_what_is_excluded_is_not_down(windows, free):
    """Excluding time never raises downtime, and excluding everything leaves none."""
    exclusions = tuple(Exclusion(window=window) for window in free)

    with_free = measure(GOLD, case(windows, exclusions=exclusions))

    assert with_free.down_ms <= measure(GOLD, case(windows)).down_ms
    assert with_free.excluded_ms + with_free.counted_ms == OCTOBER.span.length_ms
    all_free = (Exclusion(window=OCTOBER.span),)
    assert measure(GOLD, case(windows, exclusions=all_free)).ratio is None


@given(windows=_windows, affected=st.fractions(0, 1))
def test_a_partial_outage_counts_at_most_as_a_full_one(windows, affected):
    """Weighted with its share of users."""
    rule = replace(GOLD.downtime, affected=replace(GOLD.downtime.affected, weighted=True))
    outages = tuple(Outage(window=window, affected=affected) for window in windows)

    weighted = measure(replace(GOLD, downtime=rule), case((), outages=outages))

    inside = [w for w in tidy(windows) if w.start_ms < OCTOBER.span.end_ms]
    whole = total_ms(Window(s, min(e, OCTOBER.span.end_ms)) for s, e in inside)
    assert weighted.down_ms == affected * whole
