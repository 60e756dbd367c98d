"""What counts of a month: measurement, alerts, exclusions, and what people say about them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from sla_exporter.core.alerts import AlertRules, EvidenceMode
from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.samples import UP, SeriesState, never_seen
from sla_exporter.core.settlement import Hold, State, Verdict
from sla_exporter.core.silences import SilenceVersion
from sla_exporter.core.windows import Window
from sla_exporter.flow.exclusions import ExclusionDesk
from sla_exporter.flow.incidents import IncidentDesk
from sla_exporter.flow.reconcile import Reconciler
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.ports.settling import Routes
from sla_exporter.store.exclusions import Exclusions
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.observations import Observations
from sla_exporter.store.settlements import Settlements
from tests.cast import (
    ACME,
    DAY,
    MINUTE,
    NOVEMBER_3,
    OCTOBER,
    WEB,
    at,
    catalogue,
    contract,
    outage,
    request_with,
    telling,
)
from tests.conftest import FixedClock

SEEN = Window(OCTOBER.span.start_ms - DAY, NOVEMBER_3)
SITE_DOWN = Matcher.parse('alertname="SiteDown"')
ACME_DOWN = outage(3, 10, 95)
CAPTURED = Path(__file__).parents[1] / "data" / "webhooks"


@pytest.fixture
def reconciler(database) -> Reconciler:
    return Reconciler(
        observations=Observations(database),
        incidents=Incidents(database),
        exclusions=Exclusions(database),
        settlements=Settlements(database),
        renderer=JinjaRenderer("Example Hosting"),
        routes=Routes(notices="email", credits="file", statements=True),
        settle_after_ms=2 * DAY,
    )


def labels(customer: str, instance: str = "a"):
    return (("customer", customer), ("instance", instance))


def book(mode: str = "metrics", **changes):
    rules = AlertRules(evidence=EvidenceMode(mode))
    service = replace(WEB, incident_matchers=(SITE_DOWN,), alerts=rules)
    return replace(catalogue(), services={"web": service}, **changes)


async def observed(reconciler, states):
    mark = Watermark(
        interval_ms=MINUTE,
        from_ms=SEEN.start_ms,
        fresh_until_ms=NOVEMBER_3,
        final_until_ms=NOVEMBER_3 - 2 * DAY,
    )
    await reconciler.observations.record("web", SEEN, Observation(states=states), mark)


async def outcome(reconciler, found=None):
    """Settle October of the cast, in which Acme was down for 95 minutes."""
    trouble = {labels("acme"): SeriesState(down=(ACME_DOWN,))}
    await observed(reconciler, {**trouble, labels("birch"): UP, labels("cedar"): UP})
    await reconciler.settle_due(found or book(), NOVEMBER_3)
    return {s.contract: s for s in await reconciler.settlements.settled("2026-10")}


async def alerted(reconciler, window: Window, customer: str = "acme") -> IncidentWindow:
    alert = IncidentWindow(
        fingerprint="f" * 16,
        starts_at_ms=window.start_ms,
        ends_at_ms=window.end_ms,
        labels={"alertname": "SiteDown", "customer": customer},
    )
    await reconciler.incidents.keep(telling(alert))
    return alert


def credited(settled) -> dict[str, int]:
    return {name.removesuffix("-web"): one.credit.minor for name, one in settled.items()}


async def test_an_operators_entry_reaches_the_contract_it_is_about(reconciler):
    """Acme's maintenance; nobody else's, and Cedar is not credited by it either."""
    desk = ExclusionDesk(store=reconciler.exclusions, clock=FixedClock(at(2)))
    stated = StatedExclusion(
        key="", scope=Scope(contract="acme-web"), window=ACME_DOWN, who="ana", why="new disks"
    )
    await desk.add(book(), stated)

    settled = await outcome(reconciler)

    assert credited(settled) == {"acme": 0, "birch": 0, "cedar": 0}
    told = {
        name: [s.facts["why"] for s in one.steps if s.code == "exclusion_stated"]
        for name, one in settled.items()
    }
    assert told == {"acme-web": ["new disks"], "birch-web": [], "cedar-web": []}


async def test_what_was_withdrawn_does_not_count(reconciler):
    """The records keep it; the settlement does not know it."""
    desk = ExclusionDesk(store=reconciler.exclusions, clock=FixedClock(at(2)))
    stated = StatedExclusion(
        key="", scope=Scope(contract="acme-web"), window=ACME_DOWN, who="ana", why="new disks"
    )
    entered = await desk.add(book(), stated)
    await desk.withdraw(entered.key, "ana", "put off")

    settled = await outcome(reconciler)

    assert credited(settled)["acme"] == 4999
    assert "exclusion_stated" not in [s.code for s in settled["acme-web"].steps]


async def test_what_the_configuration_excludes_is_excluded(reconciler):
    """By service here."""
    stated = StatedExclusion(
        key="configuration/1", scope=Scope(service="web"), window=ACME_DOWN, why="new disks"
    )

    assert credited(await outcome(reconciler, book(exclusions=(stated,))))["acme"] == 0


@pytest.mark.parametrize(
    ("wanted", "matcher", "credit"),
    [
        ('comment=~"maintenance.*"', 'customer="acme"', 0),
        ('comment=~"maintenance.*"', 'customer="birch"', 4999),
        ('comment="other"', 'customer="acme"', 4999),
        (None, 'customer="acme"', 4999),
    ],
)
async def test_a_silence_counts_if_it_is_maintenance_of_the_contract(
    reconciler, wanted, matcher, credit
):
    """And only then: a silence by itself excuses nothing."""
    silence = SilenceVersion(
        id="s1", updated_at_ms=at(1), starts_at_ms=ACME_DOWN.start_ms, ends_at_ms=ACME_DOWN.end_ms,
        matchers=(Matcher.parse(matcher), SITE_DOWN), created_by="bob", comment="maintenance: x",
    )  # fmt: skip
    await reconciler.exclusions.record_silences([silence], at(1))
    silences = (Matcher.parse(wanted),) if wanted else ()

    settled = await outcome(reconciler, book(maintenance_silences=silences))

    assert credited(settled)["acme"] == credit


@pytest.mark.parametrize(
    ("mode", "alert", "credit"),
    [
        ("metrics", None, 4999),
        ("alerts", None, 0),
        ("confirmed", None, 0),
        ("either", None, 4999),
        ("alerts", ACME_DOWN, 4999),
        ("confirmed", ACME_DOWN, 4999),
        ("confirmed", outage(9, 10, 95), 0),
        ("either", outage(9, 10, 400), 14997),
    ],
)
async def test_the_service_says_whose_word_counts(reconciler, mode, alert, credit):
    """Measured on the third; alerted as the case may be."""
    if alert:
        await alerted(reconciler, alert)

    assert credited(await outcome(reconciler, book(mode))) == {
        "acme": credit,
        "birch": 0,
        "cedar": 0,
    }


async def test_a_dismissed_incident_did_not_happen(reconciler):
    """The prober's disk was full; Cedar must never be credited for that."""
    alert = await alerted(reconciler, outage(9, 10, 400), "cedar")
    desk = IncidentDesk(incidents=reconciler.incidents, clock=FixedClock(at(10)))
    await desk.dismiss(alert.fingerprint, alert.starts_at_ms, who="ana", why="the prober's disk")

    settled = await outcome(reconciler, book("either"))

    assert credited(settled)["cedar"] == 0
    told = next(s for s in settled["cedar-web"].steps if s.code == "incident_dismissed")
    assert (told.facts["who"], told.facts["why"]) == ("ana", "the prober's disk")


async def test_an_incident_that_was_entered_by_hand_counts(reconciler):
    """It is Birch's, whatever its labels."""
    desk = IncidentDesk(incidents=reconciler.incidents, clock=FixedClock(at(20)))
    await desk.add(
        book(), contract="birch-web", name="telephone", window=outage(9, 10, 95), who="ana", why="x"
    )

    settled = await outcome(reconciler, book("either"))

    assert credited(settled) == {"acme": 4999, "birch": 1000, "cedar": 0}
    assert "incident_added" in [s.code for s in settled["birch-web"].steps]


async def test_a_resolve_that_means_nothing_ends_no_outage(reconciler):
    """Captured: Prometheus, and then the prober, died; the target was down all the time.

    The windows end and the outage goes on, because it was measured.
    """
    for name in ("11_resolved_because_prometheus_died", "12_resolved_because_prober_down"):
        body = json.loads((CAPTURED / f"{name}.json").read_text())["body"]
        await reconciler.incidents.keep(request_with(body))
    found = await reconciler.incidents.overlapping(Window(0, 10**15))
    assert all(window.ends_at_ms is not None for window in found)

    settled = await outcome(reconciler)

    assert settled["acme-web"].down_ms == 95 * MINUTE


async def test_a_truncated_webhook_says_nothing_about_the_others(reconciler):
    """Captured: two of four alerts; measured downtime does not depend on them."""
    body = json.loads((CAPTURED / "08_truncated_max_alerts_2_of_4_firing.json").read_text())["body"]
    await reconciler.incidents.keep(request_with(body))

    assert credited(await outcome(reconciler)) == {"acme": 4999, "birch": 0, "cedar": 0}


async def test_a_day_on_which_everything_is_down(reconciler):
    """Every contract is credited for the same day, each by its own fee."""
    day = Window(at(7), at(8))
    down = SeriesState(down=(day,))
    states = {labels(name): down for name in ("acme", "birch", "cedar")}
    await observed(reconciler, states)

    await reconciler.settle_due(book(), NOVEMBER_3)

    found = {s.contract: s for s in await reconciler.settlements.settled("2026-10")}
    assert {s.down_ms for s in found.values()} == {DAY}
    assert credited(found) == {"acme": 14997, "birch": 3000, "cedar": 3000}  # 96.77 %: 30 %


async def test_a_day_on_which_prometheus_was_down(reconciler):
    """Nobody knows, so the day is neither up nor down; at 96.8 % coverage it is settled."""
    day = Window(at(7), at(8))
    unknown = SeriesState(unknown=(day,))
    acme = SeriesState(down=(ACME_DOWN,), unknown=(day,))
    await observed(
        reconciler,
        {labels("acme"): acme, labels("birch"): unknown, labels("cedar"): unknown},
    )

    await reconciler.settle_due(book(), NOVEMBER_3)

    found = {s.contract: s for s in await reconciler.settlements.settled("2026-10")}
    assert credited(found) == {"acme": 4999, "birch": 0, "cedar": 0}
    assert {s.unknown_ms for s in found.values()} == {DAY}
    assert {s.counted_ms for s in found.values()} == {30 * DAY}
    assert found["birch-web"].verdict is Verdict.MET


async def test_two_days_without_prometheus_are_for_a_person(reconciler):
    """93.5 % coverage is less than what is needed; nothing is guessed."""
    unknown = SeriesState(unknown=(Window(at(7), at(9)),))
    await observed(reconciler, {labels(name): unknown for name in ("acme", "birch", "cedar")})

    await reconciler.settle_due(book(), NOVEMBER_3)

    found = await reconciler.settlements.settled("2026-10")
    assert {(s.state, s.holds) for s in found} == {(State.HELD, (Hold.COVERAGE,))}


async def test_a_customer_who_appears_in_the_middle_of_the_month(reconciler):
    """What was before the contract is nobody's: neither its downtime nor its missing samples."""
    acme = contract(ACME, "499.90", since=date(2026, 10, 16))
    before, after = outage(3, 10, 95), outage(20, 10, 95)
    state = SeriesState(down=(after,), unknown=never_seen(Window(SEEN.start_ms, at(16))).unknown)
    await observed(reconciler, {labels("acme"): state})
    settled_book = replace(book(), contracts=(acme,))

    await reconciler.settle_due(settled_book, NOVEMBER_3)

    (found,) = await reconciler.settlements.settled("2026-10")
    assert before.end_ms < found.span.start_ms
    assert found.span == Window(at(16), OCTOBER.span.end_ms)
    assert (found.down_ms, found.unknown_ms) == (95 * MINUTE, 0)
    assert found.counted_ms == 16 * DAY
    assert found.state is State.POSTED
    assert found.credit.minor > 0
    assert "life" in [s.code for s in found.steps]
