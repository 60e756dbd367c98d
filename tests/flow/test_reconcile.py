"""Reconciling: from observed windows to everything that follows from them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from sqlalchemy import func, select

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.money import Money
from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.core.settlement import Hold, State, Verdict
from sla_exporter.core.windows import Window
from sla_exporter.flow.reconcile import Reconciler
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.ports.settling import Routes
from sla_exporter.store import tables as t
from sla_exporter.store.exclusions import Exclusions
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.observations import Observations
from sla_exporter.store.outbox import DatabaseOutbox
from sla_exporter.store.settlements import Settlements
from tests.cast import (
    ACME,
    BIRCH,
    CEDAR,
    DAY,
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

SEEN = Window(OCTOBER.span.start_ms - DAY, NOVEMBER_3)


def labels(customer: str, instance: str = "a"):
    return (("customer", customer), ("instance", instance))


def down(*windows: Window) -> SeriesState:
    return SeriesState(down=windows)


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


async def observed(reconciler, states, *, until=NOVEMBER_3, service="web"):
    mark = Watermark(
        interval_ms=MINUTE,
        from_ms=SEEN.start_ms,
        fresh_until_ms=until,
        final_until_ms=until - 2 * DAY,
    )
    await reconciler.observations.record(
        service, Window(SEEN.start_ms, until), Observation(states=states), mark
    )


async def outcome(reconciler, label="2026-10"):
    return {s.contract: s for s in await reconciler.settlements.settled(label)}


async def orders(database) -> list[tuple[str, str, str]]:
    async with database.read() as connection:
        c = t.outbox.c
        rows = await connection.execute(select(c.sink, c.kind, c.about).order_by(c.key))
        return [tuple(row) for row in rows]


TROUBLE = {labels("acme"): down(outage(3, 10, 95)), labels("birch"): UP, labels("cedar"): UP}


async def test_a_month_is_settled_with_all_that_follows(database, reconciler):
    """Acme is credited and told; Birch and Cedar get their statement, and nobody's money."""
    await observed(reconciler, TROUBLE)

    written = await reconciler.settle_due(catalogue(), NOVEMBER_3)

    found = await outcome(reconciler)
    assert written == 3
    assert {c: (s.verdict, s.credit.minor) for c, s in found.items()} == {
        "acme-web": (Verdict.BREACHED, 4999),
        "birch-web": (Verdict.MET, 0),
        "cedar-web": (Verdict.MET, 0),
    }
    assert await orders(database) == [
        ("email", "notice", "credit/acme-web/2026-10"),
        ("email", "notice", "statement/birch-web/2026-10"),
        ("email", "notice", "statement/cedar-web/2026-10"),
        ("file", "credit", "grant/acme-web/2026-10"),
    ]
    figures = await DatabaseFigures(database).figures()
    assert figures.issued == {("BRL", "gold", "account credit"): (4999, 1)}


async def test_cedar_sees_nothing_of_acme(database, reconciler):
    """Notices speak of their own customer only."""
    await observed(reconciler, TROUBLE)
    await reconciler.settle_due(catalogue(), NOVEMBER_3)

    claimed = await DatabaseOutbox(database).claim("me", 10**15, 1, 10)
    notices = {one.notice.key: one.notice for one in claimed if one.notice}

    cedar = notices["statement/cedar-web/2026-10"]
    assert cedar.recipients == CEDAR.email
    assert not {"Acme", "acme", "Birch", "499"} & set((cedar.text + cedar.html).split())
    assert "Acme Ltda" in notices["credit/acme-web/2026-10"].text


async def test_running_twice_changes_nothing(database, reconciler):
    """Neither an hour later nor at once."""
    await observed(reconciler, TROUBLE)
    await reconciler.settle_due(catalogue(), NOVEMBER_3)
    before = (await outcome(reconciler), await orders(database))

    again = await reconciler.settle_due(catalogue(), NOVEMBER_3 + HOUR)

    assert again == 0
    assert (await outcome(reconciler), await orders(database)) == before


async def test_a_month_that_is_not_measured_to_its_end_waits(reconciler):
    """Prometheus was away for the last hours: nothing is settled from what is there."""
    await observed(reconciler, TROUBLE, until=NOVEMBER_3 - MINUTE)

    assert await reconciler.settle_due(catalogue(), NOVEMBER_3) == 0

    await observed(reconciler, TROUBLE)
    assert await reconciler.settle_due(catalogue(), NOVEMBER_3) == 3


async def test_observe_shows_and_sends_nothing(database, reconciler):
    """No ledger entry, no notice, no order; the figure is there to be looked at."""
    await observed(reconciler, TROUBLE)

    await reconciler.settle_due(catalogue(mode=Mode.OBSERVE), NOVEMBER_3)

    found = await outcome(reconciler)
    assert {s.state for s in found.values()} == {State.OBSERVED}
    assert found["acme-web"].credit == Money.of("49.99", "BRL")
    assert await orders(database) == []
    async with database.read() as connection:
        query = select(func.count()).select_from(t.ledger_entry)
        assert (await connection.execute(query)).scalar_one() == 0


async def test_switching_from_observe_to_automatic_pays_the_last_month(reconciler):
    """What was only shown becomes final with the next run."""
    await observed(reconciler, TROUBLE)
    await reconciler.settle_due(catalogue(mode=Mode.OBSERVE), NOVEMBER_3)

    await reconciler.settle_due(catalogue(mode=Mode.AUTOMATIC), NOVEMBER_3)

    assert {s.state for s in (await outcome(reconciler)).values()} == {State.POSTED}


async def test_review_holds_the_credit_and_lets_statements_go(database, reconciler):
    """A person decides about money only."""
    await observed(reconciler, TROUBLE)

    await reconciler.settle_due(catalogue(mode=Mode.REVIEW), NOVEMBER_3)

    found = await outcome(reconciler)
    assert (found["acme-web"].state, found["acme-web"].holds) == (State.HELD, (Hold.REVIEW,))
    assert found["birch-web"].state is State.POSTED
    assert [about for _, _, about in await orders(database)] == [
        "statement/birch-web/2026-10",
        "statement/cedar-web/2026-10",
    ]


async def test_statements_can_be_switched_off(database, reconciler):
    """Then only credits are told."""
    await observed(reconciler, TROUBLE)
    quiet = replace(reconciler, routes=replace(reconciler.routes, statements=False))

    await quiet.settle_due(catalogue(), NOVEMBER_3)

    assert [about for _, _, about in await orders(database)] == [
        "credit/acme-web/2026-10",
        "grant/acme-web/2026-10",
    ]


async def test_a_customer_that_nobody_measures_is_held(reconciler):
    """No series matches the contract: neither up nor down, so a person looks."""
    await observed(reconciler, {labels("acme"): UP})

    await reconciler.settle_due(catalogue(contract(ACME), contract(BIRCH)), NOVEMBER_3)

    found = await outcome(reconciler)
    assert found["acme-web"].state is State.POSTED
    assert found["birch-web"].verdict is Verdict.UNDECIDED
    assert found["birch-web"].holds == (Hold.COVERAGE,)
    assert [step.code for step in found["birch-web"].steps][1] == "not_measured"


async def test_one_vantage_points_false_alarm_costs_nothing(reconciler):
    """Two series for Acme; only one was down."""
    await observed(
        reconciler, {labels("acme", "fra"): down(outage(3, 10, 95)), labels("acme", "nyc"): UP}
    )

    await reconciler.settle_due(catalogue(contract(ACME, "499.90")), NOVEMBER_3)

    assert (await outcome(reconciler))["acme-web"].verdict is Verdict.MET


async def test_alerts_of_the_service_are_part_of_the_reasoning(reconciler):
    """Acme's alert is told to Acme, and to nobody else."""
    await observed(reconciler, TROUBLE)
    alert = IncidentWindow(
        fingerprint="f" * 16,
        starts_at_ms=at(3, 10, 2),
        ends_at_ms=at(3, 11, 36),
        labels={"alertname": "SiteDown", "customer": "acme"},
    )
    other = replace(alert, fingerprint="e" * 16, labels={**alert.labels, "alertname": "DiskFull"})
    await reconciler.incidents.keep(telling(alert, other))
    service = replace(WEB, incident_matchers=(Matcher.parse('alertname="SiteDown"'),))
    book = replace(catalogue(), services={"web": service})

    await reconciler.settle_due(book, NOVEMBER_3)

    said = {
        contract_id: [s.facts["alert"] for s in settled.steps if s.code == "incident"]
        for contract_id, settled in (await outcome(reconciler)).items()
    }
    assert said == {"acme-web": ["SiteDown"], "birch-web": [], "cedar-web": []}


async def test_the_open_month_is_shown_as_it_stands(database, reconciler):
    """What has happened so far, as if nothing more did; no settlement comes of it."""
    now = at(4)
    await observed(reconciler, {labels("acme"): down(outage(3, 10, 30))}, until=now)

    await reconciler.stand(catalogue(contract(ACME, "499.90")), now)

    (standing,) = (await DatabaseFigures(database).figures()).standings
    assert standing.down_ms == 30 * MINUTE
    assert standing.ratio == str(1 - Fraction(30 * MINUTE, 31 * DAY))
    assert standing.credit_minor == 4_999  # the month cannot reach 99.95 % any more
    assert await outcome(reconciler) == {}


async def test_a_thousand_contracts_are_settled_in_few_queries(reconciler, database):
    """The number of statements does not grow with the number of contracts."""
    customers = [replace(BIRCH, id=f"c{i}") for i in range(1_000)]
    await observed(reconciler, {labels(c.id): UP for c in customers})
    statements = []

    from sqlalchemy import event  # noqa: PLC0415

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    book = catalogue(*(contract(customer) for customer in customers))
    quiet = replace(reconciler, routes=replace(reconciler.routes, statements=False))

    assert await quiet.settle_due(book, NOVEMBER_3) == 1_000
    assert len(statements) < 80
