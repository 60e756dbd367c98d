"""Second opinions: asked for before a credit goes, and again where there was none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.brakes import Brakes, Budget
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.money import Money
from sla_exporter.core.periods import PeriodKind, PeriodRule
from sla_exporter.core.settlement import Hold, State
from sla_exporter.core.windows import Window
from sla_exporter.flow.corroborate import Corroborator
from sla_exporter.flow.hear import Hearing
from sla_exporter.ports.settling import DecisionKind
from sla_exporter.sources.opinions.pingdom import Pingdom
from sla_exporter.store.opinions import Opinions
from tests.cast import ACME, DAY, GOLD, HOUR, MINUTE, NOVEMBER_3, at, catalogue, contract, outage
from tests.conftest import FixedClock
from tests.flow.on_request import ASKED, claimed, notices
from tests.office import ANA, BO, Office
from tests.pingdom import FakePingdom

BOOK = catalogue()
CHECKS = {"acme": "85975", "birch": "85976", "cedar": "85977"}
DOWN = outage(3, 10, 95)
KEY = "acme-web/2026-10"
LATER = NOVEMBER_3 + HOUR


@pytest.fixture
async def pingdom():
    async with FakePingdom(outages={check: [] for check in CHECKS.values()}) as server:
        server.outages[CHECKS["acme"]] = [DOWN]
        yield server


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOVEMBER_3)


@pytest.fixture
def office(database, pingdom, clock) -> Office:
    return corroborated(Office(database), database, pingdom, clock)


def corroborated(office: Office, database, pingdom, clock) -> Office:
    source = Pingdom(pingdom.api(), CHECKS, tolerance_ms=2 * MINUTE, clock=clock)
    asking = Corroborator(sources={"web": source}, store=Opinions(database), clock=clock)
    office.reconciler = replace(office.reconciler, corroborator=asking)
    return office


async def settled(office: Office, book=BOOK, **down: list[Window]):
    """Settle October, in which Acme was down for 95 minutes."""
    measured = {"acme": [DOWN], "birch": [], "cedar": []} | down
    await office.measured(measured, until_ms=NOVEMBER_3)
    await office.settle(book, NOVEMBER_3)
    return await office.one(KEY)


async def hear(office: Office, clock: FixedClock, book=BOOK, *, later_ms: int = LATER) -> int:
    clock.at_ms = later_ms
    return await Hearing(reconciler=office.reconciler).hear(book, later_ms)


async def test_one_that_agrees_lets_the_credit_go(office, pingdom):
    """Only Acme is owed something, so only Acme's check is asked, once."""
    found = await settled(office)

    assert found.state is State.POSTED
    assert "opinion_confirmed" in [s.code for s in found.steps]
    assert [check for check, _, _ in pingdom.asked] == [CHECKS["acme"]]


async def test_one_that_disagrees_holds_the_credit(office, pingdom):
    """Nothing is sent; the figure is there to be decided about, and nobody is asked again."""
    pingdom.outages[CHECKS["acme"]] = []

    found = await settled(office)

    assert (found.state, found.holds) == (State.HELD, (Hold.DISPUTED,))
    assert found.credit.minor == 4999
    assert (await office.one("birch-web/2026-10")).state is State.POSTED


async def test_one_that_saw_all_of_an_outage_from_the_month_before_agrees(office, pingdom, clock):
    """It counts, and is asked for, as a whole, at once and again; one that goes on is left out."""
    began, goes_on = at(1) - 6 * HOUR, Window(at(31, 20), at(32, 2))
    whole = Window(began, at(1, 2))
    pingdom.outages[CHECKS["acme"]] = [whole, goes_on]
    single = replace(GOLD, period=PeriodRule(kind=PeriodKind.INCIDENT))
    book = catalogue(contract(ACME, "499.90"), policy=single)
    await office.measured({"acme": [whole, goes_on]}, until_ms=NOVEMBER_3)
    pingdom.status = 500
    await office.settle(book, NOVEMBER_3)
    held = await office.one(KEY)
    pingdom.status = 200

    assert held.holds == (Hold.UNCONFIRMED,)
    assert await hear(office, clock, book) == 1

    found = await office.one(KEY)
    assert (found.state, found.down_ms) == (State.POSTED, whole.length_ms)
    rest = began + 31 * DAY  # it is never asked for more at once
    assert [start * 1000 for _, start, _ in pingdom.asked] == [began, began, rest]


async def test_one_that_is_down_blocks_nothing(office, pingdom):
    """The others are settled as ever, and Acme's credit waits."""
    pingdom.status = 500

    assert (await settled(office)).holds == (Hold.UNCONFIRMED,)
    for name in ("birch", "cedar"):
        assert (await office.one(f"{name}-web/2026-10")).state is State.POSTED


async def test_the_credit_goes_when_it_is_back(office, pingdom, clock):
    """Without a person, once, and it stands in the books who released it and why."""
    pingdom.status = 500
    await settled(office)
    pingdom.status = 200

    assert await hear(office, clock) == 1
    assert await hear(office, clock, later_ms=LATER + HOUR) == 0

    found = await office.one(KEY)
    assert (found.state, found.holds, found.revision) == (State.POSTED, (), 2)
    assert "opinion_confirmed" in [s.code for s in found.steps]
    assert await office.told() == [("grant", 4999)]
    (decision,) = await office.store.decisions([KEY])
    assert (decision.kind, decision.by) == (DecisionKind.AGAIN, "sla-exporter")
    assert len(pingdom.asked) == 2
    assert await office.is_sound()


@pytest.mark.parametrize("policy", [GOLD, ASKED], ids=["at once", "on request"])
async def test_who_was_never_told_reads_of_no_correction(database, office, pingdom, clock, policy):
    """The credit is their first message, or the offer was."""
    book = catalogue(policy=policy)
    pingdom.status = 500
    await settled(office, book)
    pingdom.status = 200
    await hear(office, clock, book)

    await office.desk(policy).claim(book, claimed(LATER), LATER)

    told = [one.kind for key, one in (await notices(database)).items() if KEY in key]
    assert told == (["credit"] if policy is GOLD else ["claim", "credit"])


async def test_while_it_is_away_the_credit_waits(office, pingdom, clock):
    """However often one asks: nothing is written, and the source is asked once each time."""
    pingdom.status = 500
    before = await settled(office)

    assert await hear(office, clock) == 0
    assert await hear(office, clock, later_ms=LATER + HOUR) == 0

    assert await office.one(KEY) == before
    assert len(pingdom.asked) == 3
    assert await office.store.decisions([KEY]) == []


async def test_one_that_comes_late_may_disagree(office, pingdom, clock):
    """Then the credit waits for a person, who sees both timelines."""
    pingdom.status = 500
    await settled(office)
    pingdom.status, pingdom.outages[CHECKS["acme"]] = 200, []

    assert await hear(office, clock) == 1

    found = await office.one(KEY)
    assert (found.state, found.holds) == (State.HELD, (Hold.DISPUTED,))
    assert "opinion_differs" in [s.code for s in found.steps]
    assert await office.told() == []
    assert await hear(office, clock, later_ms=LATER + 2 * DAY) == 0


async def test_one_that_knows_nothing_changes_nothing(office, pingdom, clock):
    """The check was paused, and it says so."""
    pingdom.status = 500
    before = await settled(office)
    pingdom.status, pingdom.outages[CHECKS["acme"]], pingdom.unknown = 200, [], [DOWN]

    assert await hear(office, clock) == 0

    assert await office.one(KEY) == before


async def test_what_else_holds_the_credit_goes_on_holding_it(database, pingdom, clock):
    """A credit that is too large is not released by being right."""
    brakes = Brakes(most=(Money(minor=1000, currency="BRL"),))
    office = corroborated(Office(database, brakes=brakes), database, pingdom, clock)
    pingdom.status = 500
    await settled(office)
    pingdom.status = 200

    assert await hear(office, clock) == 1

    found = await office.one(KEY)
    assert (found.state, found.holds) == (State.HELD, (Hold.SIZE,))
    assert await office.told() == []


async def test_a_hold_that_would_not_come_again_stays(database, pingdom, clock):
    """The limit was raised since; what it held still waits for who was to look at it."""
    brakes = Brakes(most=(Money(minor=1000, currency="BRL"),))
    office = corroborated(Office(database, brakes=brakes), database, pingdom, clock)
    pingdom.status = 500
    await settled(office)
    pingdom.status = 200
    office.reconciler = replace(office.reconciler, brakes=Brakes())

    assert await hear(office, clock) == 1

    found = await office.one(KEY)
    assert (found.state, found.holds) == (State.HELD, (Hold.SIZE,))
    assert "hold_size" in [s.code for s in found.steps]


async def test_credits_that_come_together_are_braked_together(database, pingdom, clock):
    """All of them waited for the same source: its being back must not open the floodgates."""
    brakes = Brakes(run=Budget(count=2))
    office = corroborated(Office(database, brakes=brakes), database, pingdom, clock)
    pingdom.status = 500
    everybody = {name: [DOWN] for name in CHECKS}
    pingdom.outages = {check: [DOWN] for check in CHECKS.values()}
    await settled(office, **everybody)
    pingdom.status = 200

    assert await hear(office, clock) == 3

    for name in CHECKS:
        found = await office.one(f"{name}-web/2026-10")
        assert (found.state, found.holds) == (State.HELD, (Hold.BUDGET,))
        assert found.group == "run-2026-11-03T01:00:00Z"
    assert await office.told() == []


async def test_another_figure_is_left_to_a_person(office, pingdom, clock):
    """More was measured since; who settles it anew by hand hears the opinion as well."""
    pingdom.status = 500
    before = await settled(office)
    pingdom.status, pingdom.outages[CHECKS["acme"]] = 200, [DOWN, outage(9, 0, 600)]
    await office.measured({"acme": [DOWN, outage(9, 0, 600)]}, until_ms=NOVEMBER_3)

    assert await hear(office, clock) == 0
    assert await office.one(KEY) == before

    book = catalogue(contract(ACME, "499.90"))
    assert await office.again(book, "2026-10", ANA, LATER) == {KEY: "settled anew"}
    assert await office.told() == [("grant", 14997)]


@pytest.mark.parametrize(
    "book",
    [replace(BOOK, mode=Mode.OBSERVE), replace(BOOK, contracts=())],
    ids=["only observed now", "no contract any more"],
)
async def test_what_the_configuration_does_not_want_any_more_stays(office, pingdom, clock, book):
    """Nobody is credited whom nothing is to be given."""
    pingdom.status = 500
    before = await settled(office)
    pingdom.status = 200

    assert await hear(office, clock, book) == 0

    assert await office.one(KEY) == before


async def test_what_a_person_rejected_stays_rejected(office, pingdom, clock):
    """Whatever anybody says later."""
    pingdom.status = 500
    held = await settled(office)
    await office.decider.reject([held], BOOK, ANA, NOVEMBER_3)
    pingdom.status = 200

    assert await hear(office, clock) == 0

    assert (await office.one(KEY)).state is State.REJECTED


@pytest.mark.parametrize("by_hand", [False, True])
async def test_who_decided_meanwhile_was_first(office, pingdom, clock, monkeypatch, by_hand):
    """Between looking and writing, Ana approved it: nothing is written, or said to be."""
    pingdom.status = 500
    held = await settled(office)
    pingdom.status = 200
    tallies = office.store.tallies

    async def meanwhile(*asked):
        await office.decider.approve([held], BOOK, ANA, LATER)
        return await tallies(*asked)

    monkeypatch.setattr(office.store, "tallies", meanwhile)

    if by_hand:
        clock.at_ms = LATER
        fates = await office.again(catalogue(contract(ACME, "499.90")), "2026-10", BO, LATER)
        assert fates == {KEY: "changed by somebody else meanwhile"}
    else:
        assert await hear(office, clock) == 0

    assert (await office.one(KEY)).revision == 1
    assert await office.told() == [("grant", 4999)]
