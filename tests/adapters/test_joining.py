"""Joining what webhooks told: all of it, once, whoever does it and whatever is among it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.windows import Window
from sla_exporter.errors import LeaseLost
from sla_exporter.store import tables as t
from sla_exporter.store.engine import Database
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.lease import FencedDatabase, Lease
from tests.cast import request_with, telling
from tests.conftest import ASYNCPG

EVER = Window(0, 10**15)
REFUSES = {
    True: [
        """CREATE TRIGGER no BEFORE INSERT ON incident WHEN NEW.starts_at_ms = 13
           BEGIN SELECT RAISE(ABORT, 'not the thirteenth'); END"""
    ],
    False: [
        """CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN RAISE EXCEPTION 'not the thirteenth' USING ERRCODE = '22000'; END $$""",
        """CREATE TRIGGER no BEFORE INSERT ON incident FOR EACH ROW
           WHEN (NEW.starts_at_ms = 13) EXECUTE FUNCTION no()""",
    ],
}


def window(number: int) -> IncidentWindow:
    return IncidentWindow(
        fingerprint=f"{number:016x}", starts_at_ms=number, ends_at_ms=None, labels={}
    )


async def backlog(database) -> int:
    query = select(func.count()).select_from(t.webhook_backlog)
    async with database.read() as connection:
        return (await connection.execute(query)).scalar_one()


async def problems(database) -> list[str | None]:
    query = select(t.webhook_request.c.problem).order_by(t.webhook_request.c.id)
    async with database.read() as connection:
        return list((await connection.execute(query)).scalars())


async def starts(database) -> set[int]:
    query = select(t.incident.c.starts_at_ms)
    async with database.read() as connection:
        return set((await connection.execute(query)).scalars())


async def test_kept_is_not_joined_until_somebody_reads(database):
    """Then all of it is, and it is off the backlog."""
    incidents = Incidents(database)
    for number in range(200):
        await incidents.keep(telling(window(number)))
    assert (await backlog(database), await starts(database)) == (200, set())

    assert len(await incidents.known(EVER)) == 200
    assert await backlog(database) == 0


@pytest.mark.parametrize("read", ["overlapping", "known", "find", "amend", "listed"])
async def test_whoever_reads_or_changes_sees_all_that_was_kept(database, read):
    """What was answered with 2xx decides with the rest."""
    incidents = Incidents(database)
    await incidents.keep(telling(window(1)))

    asks = {
        "overlapping": lambda: incidents.overlapping(EVER),
        "known": lambda: incidents.known(EVER),
        "find": lambda: incidents.find(window(1).fingerprint, 1),
        "amend": lambda: incidents.amend([]),
        "listed": lambda: incidents.listed([window(1)], 2),
    }
    await asks[read]()

    assert await starts(database) == {1}


async def test_what_a_process_left_behind_is_joined_by_the_next(database):
    """A backlog belongs to nobody."""
    await Incidents(database).keep(telling(window(1)))
    await Incidents(database).join()

    assert await starts(database) == {1}


@pytest.mark.parametrize("database", [ASYNCPG], indirect=True)
async def test_replicas_that_join_at_once_join_each_request_once(database):
    """And who reads meanwhile waits for what another one has in its hands."""
    url = database.engine.url.render_as_string(hide_password=False)
    replicas = [Database(url) for _ in range(4)]
    incidents = [Incidents(one) for one in replicas]
    for number in range(400):
        await incidents[number % 4].keep(telling(window(number), window(number // 2)))

    found = await asyncio.gather(*(one.known(EVER) for one in incidents))

    assert [len(windows) for windows in found] == [400] * 4
    for one in replicas:
        await one.close()


async def test_a_request_that_the_database_refuses_keeps_no_other_waiting(database):
    """It is set aside with the reason, and stays as evidence."""
    incidents = Incidents(database)
    async with database.write() as connection:
        for statement in REFUSES[database.is_sqlite]:
            await connection.exec_driver_sql(statement)
    for number in range(10, 20):
        await incidents.keep(telling(window(number)))

    await incidents.join()

    assert await starts(database) == {*range(10, 20)} - {13}
    assert await backlog(database) == 0
    found = await problems(database)
    assert found[:3] + found[4:] == [None] * 9
    assert "not joined: " in found[3]
    assert "not the thirteenth" in found[3]


@pytest.mark.parametrize("body", [b"x", b"\x78\x9c\x03\x00\x00\x00\x00\x01"])
async def test_a_request_that_cannot_be_read_any_more_is_said_so(database, body):
    """As when the row is damaged; the others are joined."""
    incidents = Incidents(database)
    await incidents.keep(telling(window(1)))
    async with database.write() as connection:
        await connection.execute(update(t.webhook_request).values(body=body))
    await incidents.keep(telling(window(2)))

    assert [one.starts_at_ms for one in await incidents.known(EVER)] == [2]
    first, second = await problems(database)
    assert first.startswith("not joined: ")
    assert second is None


async def test_what_was_malformed_from_the_start_keeps_its_reason(database):
    """It was told to the sender already."""
    incidents = Incidents(database)
    await incidents.keep(replace(request_with([]), problem="not a webhook"))
    await incidents.join()

    assert await problems(database) == ["not a webhook"]
    assert await backlog(database) == 0


async def test_what_tells_of_nothing_is_kept_but_does_not_wait(database):
    """There is nothing to join; reading it again would only cost time."""
    incidents = Incidents(database)
    told = telling(window(1))
    aside = replace(request_with([]), problem="not a webhook", tells=False)

    await asyncio.gather(*(incidents.keep(one) for one in [aside, told, aside, told]))

    assert await backlog(database) == 2
    assert sorted(map(str, await problems(database))) == ["None"] * 2 + ["not a webhook"] * 2
    assert await incidents.known(EVER)
    assert await backlog(database) == 0


async def test_large_requests_are_joined_a_few_at_a_time(database, monkeypatch):
    """One that is larger than the limit is joined alone."""
    monkeypatch.setattr("sla_exporter.store.joining._MOST_BYTES", 300)
    incidents = Incidents(database)
    for number in range(10):
        await incidents.keep(telling(*(window(number * 10 + n) for n in range(10))))

    assert len(await incidents.known(EVER)) == 100


async def test_a_replica_without_the_lease_joins_nothing_for_the_jobs(database):
    """Its jobs are fenced; what it keeps, it may join."""
    incidents = Incidents(database)
    await incidents.keep(telling(window(1)))

    with pytest.raises(LeaseLost):
        await Incidents(FencedDatabase(database, Lease(database, owner="a"))).known(EVER)
    assert await backlog(database) == 1
    await incidents.join()
    assert await starts(database) == {1}
