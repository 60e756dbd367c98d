"""At the edges of periods and contracts: what lies inside counts once, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from sla_exporter.core.alerts import AlertRules, EvidenceMode
from sla_exporter.core.due import closing_in
from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.periods import PeriodKind, PeriodRule
from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.core.sli.events import Events, Slot
from sla_exporter.core.windows import Window
from sla_exporter.ports.measuring import Observation, Watermark
from tests.cast import (
    ACME,
    BIRCH,
    DAY,
    GOLD,
    HOUR,
    MINUTE,
    NOVEMBER_3,
    OCTOBER,
    WEB,
    at,
    catalogue,
    contract,
    outage,
    telling,
)
from tests.office import Office

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.settlement import Settlement

JULY_MS = at(1) - 92 * DAY
COUNTED = replace(WEB, sli=Events(good="good", total="all", by=("customer",), interval_ms=HOUR))
QUARTERLY = replace(GOLD, name="by quarters", period=PeriodRule(kind=PeriodKind.QUARTER))


@pytest.fixture
def office(database) -> Office:
    return Office(database)


async def computed(office: Office, book: Catalogue, month: str) -> dict[str, Settlement]:
    """Settle what closed in a month, without writing anything; by contract."""
    due = list(closing_in(book, month))
    batches = [batch async for batch in office.reconciler.compute(book, due)]
    return {one.contract.id: one for batch in batches for one in batch}


async def counted(office: Office, bad: Window) -> None:
    """Write down 100 events in every hour since July, none of which was good in the bad ones."""
    slots = [
        Slot(Window(t, t + HOUR), Fraction(0 if bad[0] <= t < bad[1] else 100), Fraction(100))
        for t in range(JULY_MS, NOVEMBER_3, HOUR)
    ]
    names = [(("customer", name),) for name in ("acme", "birch")]
    seen = Observation(states=dict.fromkeys(names, UP), slots=dict.fromkeys(names, slots))
    mark = Watermark(
        interval_ms=HOUR, from_ms=JULY_MS, fresh_until_ms=NOVEMBER_3, final_until_ms=NOVEMBER_3
    )
    span = Window(JULY_MS, NOVEMBER_3)
    await office.reconciler.observations.record("web", span, seen, mark)


async def test_events_from_before_the_contract_are_not_counted(office):
    """The series failed all of the fifth; Acme came on the fifteenth."""
    await counted(office, Window(at(5), at(6)))
    book = replace(catalogue(contract(ACME, since=date(2026, 10, 15))), services={"web": COUNTED})

    acme = (await computed(office, book, "2026-10"))["acme-web"]

    assert acme.evidence.events.everything.total == 17 * 24 * 100
    assert acme.outcome.measured.ratio == 1


async def test_a_longer_period_beside_it_adds_no_events_to_a_month(office):
    """They are read together. July was bad: that is Birch's quarter, and not Acme's September."""
    await counted(office, Window(JULY_MS, JULY_MS + DAY))
    book = replace(
        catalogue(contract(ACME), contract(BIRCH, policy="by quarters")),
        services={"web": COUNTED},
        policies={"gold": (GOLD,), "by quarters": (QUARTERLY,)},
    )

    found = await computed(office, book, "2026-09")

    assert found["acme-web"].evidence.events.everything.total == 30 * 24 * 100
    assert found["acme-web"].outcome.measured.ratio == 1
    assert found["birch-web"].outcome.measured.ratio == Fraction(91, 92)


async def test_the_last_slot_of_the_month_before_is_not_counted(office):
    """Slots that end where the month begins are read with it."""
    await counted(office, Window(at(1) - HOUR, at(1)))
    book = replace(catalogue(contract(ACME)), services={"web": COUNTED})

    acme = (await computed(office, book, "2026-10"))["acme-web"]

    assert acme.evidence.events.everything.total == 31 * 24 * 100
    assert acme.outcome.measured.ratio == 1


SITE_DOWN = Matcher.parse('alertname="SiteDown"')
CONFIRMED = replace(
    WEB,
    incident_matchers=(SITE_DOWN,),
    alerts=AlertRules(evidence=EvidenceMode.CONFIRMED, lag_ms=0, tolerance_ms=5 * MINUTE),
)


@pytest.mark.parametrize("shift_ms", [0, 6 * HOUR, -6 * HOUR])
async def test_what_an_alert_confirms_is_confirmed_across_the_end_of_a_month(office, shift_ms):
    """Down from 23:56 on, alerted at 00:01: October has its four minutes, and shows the alert."""
    end = OCTOBER.span.end_ms + shift_ms
    down = Window(end - 4 * MINUTE, end + 30 * MINUTE)
    await office.measured({"acme": [down]}, until_ms=at(62))
    labels = {"alertname": "SiteDown", "customer": "acme"}
    alert = IncidentWindow(
        fingerprint="f" * 16, starts_at_ms=end + MINUTE, ends_at_ms=down.end_ms, labels=labels
    )
    await office.reconciler.incidents.keep(telling(alert))
    book = replace(catalogue(contract(ACME)), services={"web": CONFIRMED})

    months = [await computed(office, book, month) for month in ("2026-10", "2026-11")]

    found = [month["acme-web"] for month in months]
    assert sum(one.outcome.measured.down_ms for one in found) == down.length_ms
    for one in found:
        codes = [step.code for step in one.steps]
        assert ("incident" in codes) is bool(one.evidence.state.down)
        assert "outage_not_confirmed" not in codes


@pytest.mark.parametrize(
    ("renamed_ms", "excluded"), [(at(1) - 90 * DAY, True), (at(1) - 30 * DAY, True), (at(5), False)]
)
async def test_a_series_that_is_long_gone_keeps_no_maintenance_from_counting(
    office, renamed_ms, excluded
):
    """Matchers name the one there is. What still spoke in October must match, and does not.

    Birch's quarter, which is read with it, reaches back to when the old one was there.
    """
    span = Window(JULY_MS, NOVEMBER_3)
    mark = Watermark(
        interval_ms=MINUTE, from_ms=JULY_MS, fresh_until_ms=NOVEMBER_3, final_until_ms=NOVEMBER_3
    )
    states = {
        (("customer", "acme"), ("instance", "old")): SeriesState(
            unknown=(Window(renamed_ms, NOVEMBER_3),)
        ),
        (("customer", "birch"),): UP,
        (("customer", "acme"), ("instance", "new")): SeriesState(
            down=(outage(10, 2, 120),), unknown=(Window(JULY_MS, renamed_ms),)
        ),
    }
    await office.reconciler.observations.record("web", span, Observation(states=states), mark)
    stated = StatedExclusion(
        key="configuration/1",
        scope=Scope(matchers=(Matcher.parse('instance="new"'),)),
        window=outage(10, 2, 120),
        why="new switches",
    )
    book = catalogue(contract(ACME), contract(BIRCH, policy="by quarters"))
    from_august = replace(QUARTERLY, period=PeriodRule(kind=PeriodKind.QUARTER, first_month=2))
    policies = {"gold": (GOLD,), "by quarters": (from_august,)}

    found = await computed(
        office, replace(book, exclusions=(stated,), policies=policies), "2026-10"
    )

    assert found["birch-web"].span.start_ms == at(1) - 61 * DAY
    assert (found["acme-web"].evidence.exclusions == (stated,)) is excluded
