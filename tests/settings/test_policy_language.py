"""The policy language: every phrase arrives exactly, every mistake is a sentence with its line."""

from __future__ import annotations

from datetime import date, time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sla_exporter.core.money import Money, Rounding
from sla_exporter.core.periods import PeriodKind, PeriodRule
from sla_exporter.core.policy.block import Block, Part
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.policy.claim import Anchor, Claim, Deadline
from sla_exporter.core.policy.downtime import Affected, Counts, Slots, Starts
from sla_exporter.core.policy.exclusions import Budget, Leaves, Recurring
from sla_exporter.core.policy.families import FAMILIES
from sla_exporter.core.policy.pay import Base, Pay, Unit
from sla_exporter.core.policy.prorata import Prorata
from sla_exporter.core.policy.table import Per
from sla_exporter.core.policy.terms import (
    CapPer,
    Combination,
    Component,
    Form,
    Grace,
    GraceKind,
    How,
    Minimum,
)
from sla_exporter.core.policy.tiers import Tiers
from sla_exporter.core.reasoning import Duration
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.policies import load_policies
from tests.cast import HOUR, MINUTE, share

if TYPE_CHECKING:
    from sla_exporter.core.policy.terms import Policy

EVERYTHING = """\
policies:
  full:
    - objective: over 99.9%
      credit: {flat: 1 month}
    - effective_from: 2026-01-01
      objective: 99.5%
      period: {quarter from February: America/Sao_Paulo}
      denominator: 720h
      life: whole period
      downtime:
        slots: {length: 5m, down_when: any of it}
        longer_than: 3m
        counts: excess
        starts: report
        affected: over 5%
        unknown: up
        min_coverage: 80%
      maintenance:
        covers: [maintenance, force majeure]
        announced: 48h before
        budget: 4h per year
        windows: ['sunday 01:00-06:00', 'daily 04:00-06:00 at most 10m']
        leaves: numerator
      grace: first 45m deductible
      credit:
        highest:
          - {block: {every: 30m, pays: 1/30 of fee, counted: {longer_than: 4h}, per: outage}}
          - sum:
              - {prorata: {times: 10}, of: whole bill}
              - {tiers: [{below: 99.5%, pays: 12 hours of service}], minus: [licences]}
      of: renewal fee
      minus: [setup]
      fee_covers: 672h
      cap: {per_outage: 100%, per_period: 15 days, per_12_months: 10% of renewal fee}
      minimum: {at_least: EUR 1.00, otherwise: carry}
      rounding: {credit: down, availability_decimals: 2}
      form: next invoice
      expires: 365 days
      claim:
        within: 5 business days
        of: period end
        ticket: {within: 24h, of: incident}
      discretionary: true
      interpretation: {each hour: started hours}
      undecided:
        - text: "each hour"
          readings:
            started: {credit.highest.0.block.counted: started}
            full: {credit.highest.0.block.counted: full}
            none: {minimum: null}
      mode: review
"""


def load(tmp_path: Path, text: str) -> dict[str, tuple[Policy, ...]]:
    file = tmp_path / "policies.yml"
    file.write_text(text)
    return {name: found.policies for name, found in load_policies(file).items()}


def only(tmp_path: Path, keys: str) -> Policy:
    return load(tmp_path, f"policies:\n  one: {{{keys}}}\n")["one"][0]


def test_everything_arrives(tmp_path):
    """Every key of the language, exactly."""
    first, policy = load(tmp_path, EVERYTHING)["full"]

    assert (first.objective.over, first.effective_from) == (True, None)
    assert policy.effective_from == date(2026, 1, 1)
    rule = PeriodRule(kind=PeriodKind.QUARTER, zone="America/Sao_Paulo", first_month=2)
    assert policy.period == rule
    assert (policy.denominator_ms, policy.whole_period) == (720 * HOUR, True)
    down = policy.downtime
    assert down.slots == Slots(length_ms=5 * MINUTE, whole=False)
    assert (down.longer_than_ms, down.counts, down.starts) == (
        3 * MINUTE,
        Counts.EXCESS,
        Starts.REPORT,
    )
    assert down.affected == Affected(over=share("5"))
    rule = policy.exclusions
    assert rule.kinds == {ExclusionKind.MAINTENANCE, ExclusionKind.FORCE_MAJEURE}
    assert (rule.announced_ms, rule.leaves) == (48 * HOUR, Leaves.NUMERATOR)
    assert rule.budget == Budget(amount_ms=4 * HOUR, per=PeriodKind.YEAR)
    assert rule.recurring == (
        Recurring(start=time(1), end=time(6), weekdays=(6,)),
        Recurring(start=time(4), end=time(6), at_most_ms=10 * MINUTE),
    )
    assert policy.grace == Grace(kind=GraceKind.DEDUCTIBLE, length_ms=45 * MINUTE)
    assert policy.fee_covers_ms == 672 * HOUR
    assert [(cap.per, cap.limit) for cap in policy.caps] == [
        (CapPer.OUTAGE, Pay(Unit.SHARE, Fraction(1))),
        (CapPer.PERIOD, Pay(Unit.DAYS, Fraction(15))),
        (CapPer.TWELVE_MONTHS, Pay(Unit.SHARE, Fraction(1, 10), of=Base.RENEWAL_FEE)),
    ]
    assert policy.minimum == Minimum(money=Money.of("1.00", "EUR"), strict=False, carry=True)
    assert (policy.rounding, policy.availability_decimals) == (Rounding.DOWN, 2)
    assert (policy.form, policy.expires_ms) == (Form.NEXT_INVOICE, 365 * 24 * HOUR)
    assert policy.claim == Claim(
        within=Deadline(of=Anchor.PERIOD_END, business_days=5),
        ticket_within=Deadline(of=Anchor.INCIDENT, hours=24),
    )
    assert policy.discretionary
    assert policy.interpretation == {"each hour": "started hours"}


def test_credits_of_credits(tmp_path):
    """A base of its own goes before the policy's."""
    credit = load(tmp_path, EVERYTHING)["full"][1].credit

    assert isinstance(credit, Combination)
    block, both = credit.parts
    assert credit.how is How.HIGHEST
    assert isinstance(block, Component)
    assert block.formula == Block(
        every=Duration(30 * MINUTE),
        pays=Pay(Unit.SHARE, Fraction(1, 30)),
        counted=Part(longer_than=Duration(4 * HOUR)),
        per=Per.OUTAGE,
    )
    assert (block.of, block.minus) == (Base.RENEWAL_FEE, ("setup",))
    assert isinstance(both, Combination)
    prorata, tiers = both.parts
    assert isinstance(prorata, Component)
    assert isinstance(tiers, Component)
    assert (both.how, prorata.of, prorata.minus) == (How.SUM, Base.WHOLE_BILL, ("setup",))
    assert (tiers.of, tiers.minus) == (Base.RENEWAL_FEE, ("licences",))
    assert isinstance(tiers.formula, Tiers)
    assert tiers.formula.rows[0].pays == Pay(Unit.HOURS, Fraction(12))


def test_readings_change_what_they_name_and_nothing_else(tmp_path):
    """At dotted paths, through lists; ``null`` takes a key away."""
    (point,) = load(tmp_path, EVERYTHING)["full"][1].undecided
    readings = point.readings

    assert list(readings) == ["started", "full", "none"]
    assert readings["full"].minimum == readings["started"].minimum
    assert readings["none"].minimum is None
    assert readings["full"].credit != readings["started"].credit


@pytest.mark.parametrize(
    ("phrase", "pay"),
    [
        ("10%", Pay(Unit.SHARE, Fraction(1, 10))),
        ("2/30", Pay(Unit.SHARE, Fraction(1, 15))),
        ("10% of renewal fee", Pay(Unit.SHARE, Fraction(1, 10), of=Base.RENEWAL_FEE)),
        ("EUR 5.00", Pay(Unit.MONEY, Fraction(500), "EUR")),
        ("3 days", Pay(Unit.DAYS, Fraction(3))),
        ("1.5 hours of service", Pay(Unit.HOURS, Fraction(3, 2))),
        ("1 month", Pay(Unit.MONTHS, Fraction(1))),
        ("right to terminate", Pay(Unit.RIGHT)),
    ],
)
def test_what_is_paid_carries_its_unit(tmp_path, phrase, pay):
    """Never a bare number."""
    assert only(tmp_path, f"credit: {{flat: {phrase}}}").credit.formula.pays == pay


@pytest.mark.parametrize(
    ("phrase", "kind", "days", "first_month"),
    [
        ("calendar month", PeriodKind.MONTH, 0, 1),
        ("calendar_month", PeriodKind.MONTH, 0, 1),
        ("billing month", PeriodKind.BILLING_MONTH, 0, 1),
        ("calendar quarter", PeriodKind.QUARTER, 0, 1),
        ("fiscal quarter from February", PeriodKind.QUARTER, 0, 2),
        ("calendar year", PeriodKind.YEAR, 0, 1),
        ("year from July", PeriodKind.YEAR, 0, 7),
        ("trailing 365 days", PeriodKind.TRAILING, 365, 1),
        ("rolling 30 days", PeriodKind.TRAILING, 30, 1),
        ("cycle of 30 days", PeriodKind.CYCLE, 30, 1),
        ("incident", PeriodKind.INCIDENT, 0, 1),
    ],
)
def test_periods(tmp_path, phrase, kind, days, first_month):
    """As contracts name them."""
    rule = only(tmp_path, f"period: {phrase}, credit: {{flat: 1%}}").period

    assert rule == PeriodRule(kind=kind, days=days, first_month=first_month)


def test_the_sketch_of_the_handbook(tmp_path):
    """Four policies of very different contracts."""
    found = load(
        tmp_path,
        """\
policies:
  gold:
    effective_from: 2026-01-01
    objective: 99.95%
    period: {calendar_month: America/Sao_Paulo}
    downtime: {unit: whole minutes, unknown: exclude}
    maintenance: {announced: 48h before, budget: 4h per month, leaves: numerator and denominator}
    credit:
      tiers: [{below: 99.95%, pays: 10%}, {below: 99.0%, pays: 30%}, {below: 95.0%, pays: 100%}]
    of: service fee
    minimum: {over: BRL 1.00, otherwise: carry}
    form: account credit
  day-per-hour:
    objective: 100%
    credit: {block: {every: 1h, counted: started, per: outage, pays: 1 day}}
    cap: 10% of renewal fee
    form: next invoice
  key-service:
    objective: 99.50%
    downtime: {minimum: 3m, starts: report}
    grace: deductible
    credit: {block: {every: 1h, counted: full, per: period, pays: 5%}}
    cap: 30%
    claim: {within: 60 days, of: incident}
    interpretation: {"each one hour period": full hours only}
  ten-times:
    objective: 100%
    credit: {prorata: {times: 10}}
    cap: 100%
""",
    )

    assert list(found) == ["gold", "day-per-hour", "key-service", "ten-times"]
    assert found["ten-times"][0].credit == Component(formula=Prorata(times=10))


MISTAKES = [
    ("objective: 0%, credit: {flat: 1%}", "objective: an objective lies between 0% and 100%"),
    ("credit: {}", "credit: give exactly one formula: block, clock_hours, count, days, flat"),
    ("credit: {flat: 1%, prorata: 2}", "credit: give exactly one formula"),
    ("credit: {flat: 10}", "pays: '10' is not a credit; write it as in 10%, 1/30 of fee, EUR"),
    ("credit: {flat: 1/0}", "pays: '1/0' divides by zero"),
    ("credit: {flat: 1% of rent}", "pays: 'rent' is not an amount of a contract; there are:"),
    ("credit: {block: {every: 0m, pays: 1%}}", "credit: every: must be longer than nothing"),
    ("credit: {tiers: []}", "credit: rows: there must be at least one"),
    ("credit: {streak: {periods: 0, pays: 1%}}", "credit: periods: must be at least 1"),
    ("credit: {per_step: {step: 0%, pays: 1%}}", "credit: step: must be more than nothing"),
    ("credit: {prorata: 0}", "credit: times: must be at least 1"),
    ("credit: {tiers: [{belw: 9%, pays: 1%}]}", "unknown key 'belw'; did you mean 'below'?"),
    ("period: fortnight, credit: {flat: 1%}", "period: 'fortnight' is not a period; there are:"),
    ("grace: some, credit: {flat: 1%}", "grace: 'some' is not a grace; write gate, deductible"),
    ("claim: {within: soon, of: incident}, credit: {flat: 1%}", "within: 'soon' is not a deadline"),
    ("claim: {within: 3 days, of: noon}, credit: {flat: 1%}", "of: must be incident, resolution"),
    ("maintenance: {announced: 48h}, credit: {flat: 1%}", "announced: '48h' is not a notice"),
    ("maintenance: {budget: 4h}, credit: {flat: 1%}", "budget: '4h' is not a budget"),
    ("maintenance: {windows: [daily 25:00-26:00]}, credit: {flat: 1%}", "windows: 'daily 25:00"),
    ("downtime: {affected: some}, credit: {flat: 1%}", "affected: 'some' is not one of: fully"),
    ("undecided: [{text: x, readings: {a: {}}}], credit: {flat: 1%}", "readings: "),
    ("rounding: hlf, credit: {flat: 1%}", "rounding: must be half up, half even, up or down"),
    ("cap: {per_periot: 1%}, credit: {flat: 1%}", "unknown key 'per_periot'; did you mean"),
    (
        "credit: {flat: 1%}, undecided: [{text: x, readings: {a: {}, b: {credit.days.x: 1h}}}]",
        "there is no credit.days.x to change",
    ),
    (
        "undecided: [{text: x, readings: {a: {}, b: {credit.flat: 7}}}], credit: {flat: 1%}",
        "this reading makes credit.flat.pays wrong: '7' is not a credit",
    ),
]


@pytest.mark.parametrize(("keys", "said"), MISTAKES)
def test_a_mistake_is_a_sentence_with_its_line(tmp_path, keys, said):
    """And never a traceback."""
    with pytest.raises(ConfigInvalid) as caught:
        only(tmp_path, keys)

    (problem,) = caught.value.problems
    assert str(problem).startswith(f"{tmp_path}/policies.yml:2: {said}")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("credit: {flat: 1%}", "every version but the first needs effective_from"),
        ("effective_from: 2026-01-01, credit: {flat: 1%}", "two versions take effect on the same"),
    ],
)
def test_versions_follow_each_other(tmp_path, second, said):
    """By their first days."""
    text = "policies:\n  one:\n    - {effective_from: 2026-01-01, credit: {flat: 1%}}\n"
    with pytest.raises(ConfigInvalid, match=said):
        load(tmp_path, f"{text}    - {{{second}}}\n")


def test_every_family_is_in_the_manual():
    """With its keys, which another test compares."""
    manual = (Path(__file__).parents[2] / "docs" / "policies.md").read_text()

    assert [name for name in FAMILIES if f"| `{name}` |" not in manual] == []
