"""Acknowledgements: a customer hears of an outage once, while it happens, and of no sum."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.policy.downtime import DowntimeRule, Starts
from sla_exporter.core.windows import Window
from sla_exporter.flow.acknowledge import Acknowledger
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.ports.settling import Routes
from sla_exporter.store import tables as t
from sla_exporter.store.digests import Digests
from sla_exporter.store.told import DatabaseToldOutages
from tests.cast import ACME, BIRCH, CEDAR, GOLD, HOUR, MINUTE, at, catalogue, contract
from tests.office import Office

AFTER, PAUSE = 10 * MINUTE, HOUR
TWO = catalogue(
    contract(ACME, "499.90", id="acme-web"),
    contract(ACME, "100.00", id="acme-mail", matchers=()),
    contract(BIRCH),
    contract(CEDAR),
)


@pytest.fixture
def office(database) -> Office:
    office = Office(database)
    acknowledger = Acknowledger(
        told=DatabaseToldOutages(database),
        renderer=JinjaRenderer("Example Hosting"),
        routes=Routes(notices="email", credits="file", statements=True),
        after_ms=AFTER,
        pause_ms=PAUSE,
    )
    office.reconciler = replace(office.reconciler, acknowledger=acknowledger)
    return office


async def look(office, now_ms: int, book=TWO, **down) -> list:
    """Measure until now, look at the open periods, and give all notices of outages so far."""
    states = {"acme": (), "birch": (), "cedar": ()} | down
    await office.measured(states, until_ms=now_ms)
    await office.reconciler.stand(book, now_ms)
    database = office.store._database  # noqa: SLF001 - where the office is
    async with database.read() as connection:
        query = select(t.notice.c.key).where(t.notice.c.kind == "outage")
        keys = sorted((await connection.execute(query)).scalars())
    return await Digests(database).notices(keys)


def since(start_ms: int, now_ms: int) -> tuple[Window, ...]:
    return (Window(start_ms, now_ms),)


async def test_an_outage_is_told_when_it_has_lasted(office):
    """To its customer alone: one mail for both contracts, with no sum in it."""
    start = at(3, 10)

    early = await look(office, start + AFTER - MINUTE, acme=since(start, start + AFTER - MINUTE))
    (told,) = await look(office, start + AFTER, acme=since(start, start + AFTER))

    assert early == []
    assert told.recipients == ACME.email
    assert told.subject == "Outage of web since Oct 3, 2026, 10:00:00 AM"
    assert told.text.count("Ended: not yet") == 2
    assert "acme-mail" in told.text
    assert not {"R$", "BRL", "49.99"} & set(told.text.split())
    assert "BRL" not in told.html


async def test_it_is_told_once(office):
    """However long it goes on, also into the next month, and if it flaps."""
    start, end = at(31, 23), at(31, 26)

    for now in range(start, end, 20 * MINUTE):
        told = await look(office, now, acme=since(start, now))
    again = end + 5 * MINUTE
    told = await look(
        office, again + AFTER, acme=(Window(start, end), Window(again, again + AFTER))
    )

    assert len(told) == 1


async def test_two_that_look_at_once_tell_it_once(office):
    """As observing and reconciling do, side by side."""
    start = at(3, 10)
    now = start + AFTER
    down = {"acme": since(start, now), "birch": (), "cedar": ()}
    await office.measured(down, until_ms=now)

    await asyncio.gather(*(office.reconciler.stand(TWO, now) for _ in range(4)))

    assert len(await look(office, now, acme=since(start, now))) == 1


async def test_another_outage_is_told_after_a_pause(office):
    """Not a mail for each; by then it may be over, and is told all the same."""
    first, second = at(3, 10), at(3, 10, 40)
    ended = Window(first, first + AFTER)

    await look(office, first + AFTER, acme=(ended,))
    windows = (ended, Window(second, second + AFTER))
    within = await look(office, second + AFTER, acme=windows)
    after = await look(office, first + AFTER + PAUSE, acme=windows)

    assert (len(within), len(after)) == (1, 2)
    (new,) = [one for one in after if one.key != within[0].key]
    assert "Ended: Oct 3, 2026, 10:50:00" in new.text


async def test_what_is_over_for_long_is_left_to_the_statement(office):
    """Such as when notices of outages are switched on in the middle of a month."""
    assert await look(office, at(20), acme=since(at(3, 10), at(3, 11))) == []


async def test_nothing_is_told_in_observe_mode(office):
    """Nothing leaves the house then."""
    book = replace(TWO, mode=Mode.OBSERVE)

    assert await look(office, at(3, 11), book, acme=since(at(3, 10), at(3, 11))) == []


async def test_excluded_time_is_not_told(office):
    """Maintenance was announced otherwise."""
    maintenance = StatedExclusion(
        key="x", window=Window(at(3, 9), at(3, 12)), kind=ExclusionKind.MAINTENANCE,
        scope=Scope(service="web"), who="Ana", why="new switches", announced_at_ms=at(1),
        recorded_at_ms=at(1),
    )  # fmt: skip
    book = replace(TWO, exclusions=(maintenance,))

    assert await look(office, at(3, 11), book, acme=since(at(3, 10), at(3, 11))) == []


async def test_what_the_policy_does_not_count_is_not_told(office):
    """Here an outage counts from its report only, and nobody reported it."""
    policy = replace(GOLD, downtime=DowntimeRule(starts=Starts.REPORT))
    book = catalogue(contract(ACME, "499.90"), policy=policy)

    assert await look(office, at(3, 11), book, acme=since(at(3, 10), at(3, 11))) == []


async def test_a_fault_of_the_monitoring_mails_nobody(office):
    """Everybody down at once is a brake's business."""
    customers = [replace(BIRCH, id=f"c{number}") for number in range(20)]
    book = catalogue(*map(contract, customers))
    down = {one.id: since(at(3, 10), at(3, 11)) for one in customers}

    assert await look(office, at(3, 11), book, **down) == []


async def test_a_contract_that_has_ended_is_not_told(office):
    """It is nobody's any more."""
    book = catalogue(contract(ACME, "499.90", until=date(2026, 10, 2)))

    assert await look(office, at(3, 11), book, acme=since(at(3, 10), at(3, 11))) == []
