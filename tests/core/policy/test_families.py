"""Each family of credit formulas, where its texts differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from sla_exporter.core.money import Money
from sla_exporter.core.policy.block import Block, On, Part, Rounds
from sla_exporter.core.policy.case import Case, Exclusion, Outage
from sla_exporter.core.policy.clock_hours import ClockHours
from sla_exporter.core.policy.count import Count, CountRow
from sla_exporter.core.policy.days import Days
from sla_exporter.core.policy.engine import Outcome, evaluate
from sla_exporter.core.policy.flat import Flat
from sla_exporter.core.policy.pay import Base, Pay, Unit
from sla_exporter.core.policy.per_step import PerStep
from sla_exporter.core.policy.prorata import Prorata
from sla_exporter.core.policy.rows import Holes, Overlaps
from sla_exporter.core.policy.streak import Streak
from sla_exporter.core.policy.table import Most, Per, Table, TableRow
from sla_exporter.core.policy.terms import Cap, CapPer, Component, Form, Policy
from sla_exporter.core.policy.tiers import Tier, Tiers
from sla_exporter.core.reasoning import Duration
from sla_exporter.core.windows import Window
from tests.cast import ACME, DAY, HOUR, MINUTE, OCTOBER, at, contract, outage, percent, share

if TYPE_CHECKING:
    from sla_exporter.core.policy.formula import Formula

FEE = "100.00"
ONE_PERCENT = percent("1")


def minutes(count: float) -> Duration:
    return Duration(round(count * MINUTE))


def outcome(formula: Formula, *down: Window, policy: Policy | None = None, **facts) -> Outcome:
    of = facts.pop("of", contract(ACME, FEE))
    case = Case(
        contract=of,
        period=OCTOBER,
        span=OCTOBER.span,
        outages=tuple(Outage(window=window) for window in down),
        **facts,
    )
    plain = Policy(name="one", credit=Component(formula=formula))
    return evaluate(policy or plain, case)


def owed(formula: Formula, *down: Window, **facts) -> str:
    return str(outcome(formula, *down, **facts).credit)


def brl(text: str) -> str:
    return str(Money.of(text, "BRL"))


@pytest.mark.parametrize(
    ("counted", "length", "blocks"),
    [
        (Rounds.STARTED, 61, 2),
        (Rounds.STARTED, 60, 1),
        (Rounds.FULL, 119, 1),
        (Rounds.NEAREST, 89, 1),
        (Rounds.NEAREST, 90, 2),
        (Part(longer_than=minutes(30)), 90, 1),
        (Part(longer_than=minutes(30)), 91, 2),
        (Part(at_least=minutes(30)), 90, 2),
        (Part(), 61, 2),
    ],
)
def test_parts_of_a_block(counted, length, blocks):
    """Hours of downtime, and how the rest counts."""
    block = Block(every=Duration(HOUR), pays=ONE_PERCENT, counted=counted)

    assert owed(block, outage(3, 10, length)) == brl(f"{blocks}.00")


def test_blocks_of_each_outage_or_of_all_together():
    """Two outages of 40 minutes are two started hours, or one and a bit of the second."""
    down = (outage(3, 10, 40), outage(4, 10, 15))
    block = Block(every=Duration(HOUR), pays=ONE_PERCENT)

    assert owed(block, *down) == brl("1.00")
    assert owed(replace(block, per=Per.OUTAGE), *down) == brl("2.00")


def test_blocks_of_maintenance():
    """Some contracts pay for scheduled work: a thirtieth per day, or part of it over 4 hours."""
    block = Block(
        every=Duration(DAY),
        pays=Pay(Unit.SHARE, Fraction(1, 30)),
        counted=Part(longer_than=Duration(4 * HOUR)),
        per=Per.OUTAGE,
        on=On.MAINTENANCE,
    )
    work = [Exclusion(window=outage(day, 1, hours * 60)) for day, hours in ((5, 5), (9, 4))]

    assert owed(block, exclusions=tuple(work)) == brl("3.33")


LADDER = Tiers(
    rows=(
        Tier(at_least=share("99.5"), below=share("99.9"), pays=ONE_PERCENT),
        Tier(at_least=share("98"), up_to=share("99"), pays=percent("5")),
        Tier(below=share("98.5"), pays=percent("9")),
    )
)


@pytest.mark.parametrize(
    ("ratio", "holes", "overlaps", "credit", "flags"),
    [
        ("99.6", None, None, "1.00", []),
        ("99.9", None, None, "0.00", ["tier_hole"]),
        ("99.2", None, None, "0.00", ["tier_hole"]),
        ("99.2", Holes.NOTHING, None, "0.00", []),
        ("99.2", Holes.LOWER, None, "5.00", []),
        ("99.2", Holes.HIGHER, None, "1.00", []),
        ("99", None, None, "5.00", []),
        ("98.2", None, None, "5.00", []),  # a row with a lower bound goes before an open one
        ("97", None, None, "9.00", []),
    ],
)
def test_holes_are_read_as_the_policy_says(ratio, holes, overlaps, credit, flags):
    """And if it says nothing, a person decides."""
    found = outcome(replace(LADDER, holes=holes, overlaps=overlaps), ratio=share(ratio).value)

    assert str(found.credit) == brl(credit)
    assert [flag.code for flag in found.flags] == flags


@pytest.mark.parametrize(
    ("overlaps", "credit", "flags"),
    [(None, "0.00", ["tier_overlap"]), (Overlaps.LOWER, "9.00", []), (Overlaps.HIGHER, "5.00", [])],
)
def test_overlaps_are_read_as_the_policy_says(overlaps, credit, flags):
    """Exactly 99 % is in both rows."""
    rows = (
        Tier(at_least=share("99"), below=share("99.9"), pays=percent("5")),
        Tier(at_least=share("90"), up_to=share("99"), pays=percent("9")),
    )
    found = outcome(Tiers(rows=rows, overlaps=overlaps), ratio=share("99").value)

    assert str(found.credit) == brl(credit)
    assert [flag.code for flag in found.flags] == flags


def test_a_table_of_lengths():
    """Each outage by itself, all of them, or the longest."""
    rows = (
        TableRow(below=minutes(60), pays=Pay(Unit.HOURS, Fraction(12))),
        TableRow(at_least=minutes(60), pays=Pay(Unit.DAYS, Fraction(3))),
    )
    table, down = Table(rows=rows), (outage(3, 10, 40), outage(4, 10, 40))

    assert owed(table, *down) == brl("3.23")  # a day of 31
    assert owed(replace(table, pays_for=Most.LONGEST), *down) == brl("1.61")
    assert owed(replace(table, per=Per.PERIOD), *down) == brl("9.68")


def test_prorata():
    """An hour of 744, once, ten times, and with the multiple rounded first."""
    down = outage(3, 10, 60)

    assert owed(Prorata(), down) == brl("0.13")
    assert owed(Prorata(times=10), down) == brl("1.34")
    assert owed(Prorata(times=10, multiple_decimals=2), down) == brl("1.00")


@pytest.mark.parametrize(
    ("counted", "credit"),
    [(Rounds.FULL, "2.00"), (Rounds.STARTED, "3.00"), (Rounds.NEAREST, "3.00")],
)
def test_steps_below_the_objective(counted, credit):
    """99.65 % is two full tenths and a half below 99.9 %."""
    formula = PerStep(step=share("0.1"), pays=ONE_PERCENT, counted=counted, below=share("99.9"))

    assert owed(formula, ratio=share("99.65").value) == brl(credit)


def test_calendar_days():
    """Each day once, however many outages touch it."""
    down = (outage(3, 23.5, 60), outage(4, 10, 5), outage(9, 0, 24 * 60))

    found = outcome(Days(pays=ONE_PERCENT), *down)

    assert str(found.credit) == brl("3.00")  # the 3rd, the 4th and the 9th, but not the 10th


def test_days_after_a_repair_time():
    """Begun on a Friday, repaired on Thursday: the two working days are Monday and Tuesday."""
    formula = Days(pays=Pay(Unit.MONEY, Fraction(976), "BRL"), after_working_days=2)

    assert owed(formula, Window(at(2, 10), at(8, 12))) == brl("19.52")  # Wednesday and Thursday
    assert owed(formula, Window(at(2, 10), at(6, 23))) == brl("0.00")


@pytest.mark.parametrize(
    ("before", "credit"), [((), "0.00"), ((True,), "100.00"), ((False, True), "0.00")]
)
def test_a_streak(before, credit):
    """A month free once two in a row have failed."""
    formula = Streak(periods=2, pays=Pay(Unit.MONTHS))

    assert owed(formula, outage(3, 0, 5), breached_before=before) == brl(credit)


@pytest.mark.parametrize(
    ("pay", "credit"),
    [
        (Pay(Unit.DAYS), "10.00"),
        (Pay(Unit.HOURS, Fraction(12)), "5.00"),
        (Pay(Unit.MONTHS), "310.00"),
        (percent("10"), "31.00"),
    ],
)
def test_time_is_worth_what_it_costs_by_now(pay, credit):
    """The price was raised from 31 to 310 long ago."""
    raised = ((date(2026, 1, 1), Money.of("310.00", "BRL")),)
    of = contract(ACME, "31.00", price_changes=raised)

    assert owed(Flat(pays=pay), outage(3, 0, 5), of=of) == brl(credit)


def test_a_cap_in_months_is_worth_what_they_cost_by_now():
    """Nor is it the price of long ago that limits."""
    raised = ((date(2026, 1, 1), Money.of("310.00", "BRL")),)
    of = contract(ACME, "31.00", price_changes=raised)
    cap = Cap(limit=Pay(Unit.MONTHS, Fraction(1, 2)), per=CapPer.PERIOD)
    policy = Policy(name="one", credit=Component(formula=Flat(pays=Pay(Unit.MONTHS))), caps=(cap,))

    found = outcome(Flat(pays=Pay(Unit.MONTHS)), outage(3, 0, 5), of=of, policy=policy)

    assert str(found.credit) == brl("155.00")


def test_counts_of_something_else():
    """None is not paid; a number in no row is for a person."""
    rows = (
        CountRow(at_least=1, up_to=2, pays=percent("5")),
        CountRow(at_least=4, pays=percent("9")),
    )
    formula = Count(what="late answers", rows=rows)

    assert owed(formula) == brl("0.00")
    assert owed(formula, counts={"late answers": 2}) == brl("5.00")
    undecided = outcome(formula, counts={"late answers": 3})
    assert [flag.code for flag in undecided.flags] == ["count_undecided"]


def test_hours_that_are_not_charged():
    """Seven minutes of an hour are more than a tenth; split over two hours they are not."""
    formula = ClockHours(below=share("90"))

    assert owed(formula, outage(3, 10, 7)) == brl("0.13")
    assert owed(formula, outage(3, 10 + 56 / 60, 8)) == brl("0.00")


def test_a_flat_credit_of_a_base_less_parts():
    """A tenth of the whole bill without licences."""
    of = contract(
        ACME,
        FEE,
        amounts={Base.WHOLE_BILL: Money.of("300.00", "BRL")},
        parts={"licences": Money.of("50.00", "BRL")},
    )
    credit = Component(formula=Flat(pays=percent("10")), of=Base.WHOLE_BILL, minus=("licences",))

    found = outcome(
        credit.formula, outage(3, 0, 5), policy=Policy(name="one", credit=credit), of=of
    )

    assert str(found.credit) == brl("25.00")


def test_a_base_that_the_contract_does_not_state_is_for_a_person():
    """Nothing is guessed."""
    credit = Component(formula=Flat(pays=percent("10")), of=Base.WHOLE_BILL)

    found = outcome(credit.formula, outage(3, 0, 5), policy=Policy(name="one", credit=credit))

    assert [flag.code for flag in found.flags] == ["base_unknown"]
    assert not found.owes


def test_time_is_given_as_time_or_as_money():
    """Three days are added to the term, or priced by the fee."""
    policy = Policy(name="one", credit=Component(formula=Flat(pays=Pay(Unit.DAYS, Fraction(3)))))

    money = outcome(policy.credit.formula, outage(3, 0, 5), policy=policy)
    extension = outcome(
        policy.credit.formula, outage(3, 0, 5), policy=replace(policy, form=Form.EXTENSION)
    )

    assert (str(money.credit), money.extension_days) == (brl("9.68"), 0)
    assert (str(extension.credit), extension.extension_days) == (brl("0.00"), 3)
