"""Which contracts an exclusion speaks of, and what settling makes of it."""

from __future__ import annotations

from dataclasses import replace

from sla_exporter.core.exclusions import (
    Scope,
    StatedExclusion,
    alert_labels,
    for_policy,
    seen_within,
)
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.periods import PeriodKind
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.policy.exclusions import Budget, ExclusionRule
from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.core.windows import Window
from tests.cast import ACME, BIRCH, DAY, GOLD, HOUR, OCTOBER, WEB, at, contract, outage, settled

ALERTED = replace(WEB, incident_matchers=(Matcher.parse('alertname="SiteDown"'),))


def matching(*matchers: str) -> Scope:
    return Scope(matchers=tuple(map(Matcher.parse, matchers)))


def stated(window: Window, **changes) -> StatedExclusion:
    plain = StatedExclusion(
        key="operator/1", scope=Scope(service="web"), window=window, who="ana", why="new disks"
    )
    return replace(plain, **changes)


def codes(settlement) -> list[str]:
    return [step.code for step in settlement.steps]


def test_a_service_a_contract_or_a_customer_may_be_meant():
    """Everything that is given must hold."""
    acme, birch = contract(ACME), contract(BIRCH)

    assert Scope(service="web").covers(acme, [])
    assert Scope(contract="acme-web").covers(acme, [])
    assert Scope(contract="acme").covers(acme, [])
    assert not Scope(contract="acme").covers(birch, [])
    assert not Scope(service="mail", contract="acme").covers(acme, [])


def test_matchers_must_match_every_vantage_point():
    """Maintenance of one prober out of two excuses nothing."""
    acme = contract(ACME)
    series = [{"customer": "acme", "instance": "fra"}, {"customer": "acme", "instance": "nyc"}]
    labels = alert_labels(ALERTED, acme, series)

    assert matching('customer="acme"', 'alertname="SiteDown"').covers(acme, labels)
    assert not matching('instance="fra"').covers(acme, labels)
    assert not matching('alertname="DiskFull"').covers(acme, labels)


def test_what_said_nothing_all_the_time_need_not_match():
    """One was renamed long ago, one in the middle, one came at the end."""
    month, middle = OCTOBER.span, at(15)
    since = {
        "renamed": SeriesState(unknown=(Window(at(1) - 90 * DAY, month.end_ms + DAY),)),
        "left": SeriesState(unknown=(Window(middle, month.end_ms),)),
        "came": SeriesState(unknown=(Window(month.start_ms, month.end_ms - 1),)),
        "steady": UP,
    }
    series = [({"instance": name}, state) for name, state in since.items()]

    found = seen_within(series, month)

    assert [labels["instance"] for labels in found] == ["left", "came", "steady"]
    assert seen_within(series[:1], month) == [{"instance": "renamed"}]
    assert seen_within(series[:2], Window(middle, month.end_ms)) == [s for s, _ in series[:2]]


def test_a_contract_without_series_is_known_by_its_label():
    """So that maintenance may be stated before the first sample."""
    acme = contract(ACME)

    assert matching('customer="acme"').covers(acme, alert_labels(ALERTED, acme, []))


def test_an_excluded_outage_costs_nothing_and_is_shown():
    """Who wants it excluded is kept, why is told."""
    maintenance = stated(Window(at(3, 9), at(3, 13)), announced_at_ms=at(1))

    settlement = settled(outage(3, 10, 95), exclusions=(maintenance,))

    assert settlement.credit.minor == 0
    assert settlement.evidence.exclusions == (maintenance,)
    shown = next(s for s in settlement.steps if s.code == "exclusion_stated")
    assert (shown.facts["why"], shown.facts["record"]) == ("new disks", "operator/1")
    assert "excluded" in codes(settlement)


def test_what_was_announced_too_late_is_downtime():
    """The policy asks for two days."""
    policy = replace(GOLD, exclusions=ExclusionRule(announced_ms=2 * DAY))
    late = stated(Window(at(3, 9), at(3, 13)), announced_at_ms=at(2))

    settlement = settled(outage(3, 10, 95), exclusions=(late,), policy=policy)

    assert settlement.credit.minor == 4999
    assert "exclusion_announced_late" in codes(settlement)


def test_what_nobody_announced_says_so():
    """And is late wherever notice is asked for."""
    policy = replace(GOLD, exclusions=ExclusionRule(announced_ms=HOUR))

    settlement = settled(
        outage(3, 10, 95), exclusions=(stated(Window(at(3, 9), at(3, 13))),), policy=policy
    )

    assert settlement.credit.minor == 4999
    assert "exclusion_unannounced" in codes(settlement)


def test_maintenance_of_earlier_months_uses_up_the_yearly_budget():
    """March took all of it; it is part of the evidence, and no step of October."""
    policy = replace(
        GOLD,
        exclusions=ExclusionRule(budget=Budget(amount_ms=4 * HOUR, per=PeriodKind.YEAR)),
    )
    march = stated(Window(at(1) - 200 * DAY, at(1) - 200 * DAY + 4 * HOUR), key="operator/1")
    october = stated(Window(at(3, 9), at(3, 13)), key="operator/2")

    settlement = settled(outage(3, 10, 95), exclusions=(march, october), policy=policy)

    assert settlement.credit.minor == 4999
    assert "exclusion_over_budget" in codes(settlement)
    assert [s.facts["record"] for s in settlement.steps if "record" in s.facts] == ["operator/2"]
    assert settled(outage(3, 10, 95), exclusions=(october,), policy=policy).credit.minor == 0


def test_the_same_maintenance_said_twice_uses_up_a_budget_once():
    """A silence, and later an operator's entry that is longer; each moment as first announced."""
    silence = stated(Window(at(3, 9), at(3, 12)), key="silence/a", announced_at_ms=at(1))
    entry = stated(Window(at(3, 9), at(3, 13)), key="operator/1", announced_at_ms=at(2))
    budget = Budget(amount_ms=4 * HOUR, per=PeriodKind.MONTH)
    policy = replace(GOLD, exclusions=ExclusionRule(budget=budget))

    settlement = settled(outage(3, 10, 180), exclusions=(entry, silence), policy=policy)

    assert settlement.credit.minor == 0
    assert [(e.window, e.announced_at_ms) for e in for_policy((entry, silence))] == [
        (Window(at(3, 9), at(3, 12)), at(1)),
        (Window(at(3, 12), at(3, 13)), at(2)),
    ]


def test_what_nobody_announced_gives_way():
    """And another kind stands beside it."""
    told = stated(Window(at(3, 9), at(3, 12)), announced_at_ms=at(1))
    untold = stated(Window(at(3, 9), at(3, 12)))
    other = stated(Window(at(3, 9), at(3, 12)), kind=ExclusionKind.FORCE_MAJEURE)

    found = for_policy((untold, told, other))

    assert [(e.kind, e.announced_at_ms) for e in found] == [
        (ExclusionKind.MAINTENANCE, at(1)),
        (ExclusionKind.FORCE_MAJEURE, None),
    ]


def test_other_kinds_need_no_notice():
    """What the customer caused cannot be announced."""
    policy = replace(GOLD, exclusions=ExclusionRule(announced_ms=2 * DAY))
    caused = stated(Window(at(3, 9), at(3, 13)), kind=ExclusionKind.CUSTOMER)

    settlement = settled(outage(3, 10, 95), exclusions=(caused,), policy=policy)

    assert settlement.credit.minor == 0
