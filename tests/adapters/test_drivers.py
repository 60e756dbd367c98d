"""Behind a pooler in transaction mode, and with either driver: nothing is lost or mixed up."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select, text

from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.store import tables as t
from sla_exporter.store.engine import Database
from sla_exporter.store.incidents import Incidents
from tests.cast import telling
from tests.conftest import PSYCOPG

STORES = ("pgbouncer", PSYCOPG)
_REQUESTS, _REPLICAS = 120, 6


def window(number: int) -> IncidentWindow:
    return IncidentWindow(
        fingerprint=f"{number:016x}",
        starts_at_ms=number,
        ends_at_ms=None,
        labels={"customer": "acme"},
        annotations={},
    )


async def test_webhooks_in_parallel_are_all_kept(database):
    """By more replicas than the pooler has sessions, each with a window of its own."""
    url = database.engine.url.render_as_string(hide_password=False)
    replicas = [Database(url) for _ in range(_REPLICAS)]
    for one in replicas:
        await one.ping()

    async def receive(number: int) -> None:
        incidents = Incidents(replicas[number % _REPLICAS])
        await incidents.keep(telling(window(number), window(number // 2)))
        if not number % 10:
            await incidents.join()

    async def ask(number: int) -> None:
        """Leave another statement in the sessions."""
        await replicas[number % _REPLICAS].ping()

    numbers = range(_REQUESTS)
    await asyncio.gather(*map(receive, numbers), *map(ask, numbers))
    await Incidents(database).join()

    async with database.read() as connection:
        requests = await connection.scalar(select(func.count()).select_from(t.webhook_request))
        windows = await connection.scalar(select(func.count()).select_from(t.incident))
    assert (requests, windows) == (_REQUESTS, _REQUESTS)
    for one in replicas:
        await one.close()


async def test_replicas_that_start_together_take_turns(store_url):
    """Each brings the tables up to date, by way of the pooler."""
    url = store_url("pgbouncer")
    replicas = [Database(url) for _ in range(4)]

    await asyncio.gather(*(one.migrate() for one in replicas))

    async with replicas[0].read() as connection:
        found = await connection.execute(text("SELECT count(*) FROM alembic_version"))
        assert found.scalar_one() == 1
    for one in replicas:
        await one.close()


async def prepared(url: str) -> int:
    """Give the number of statements that the session keeps prepared under a name."""
    database = Database(url)
    async with database.read() as connection:
        query = text("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
        await connection.execute(query)
        found = (await connection.execute(query)).scalar_one()
    await database.close()
    return int(found)


async def test_statements_have_names_only_where_sessions_are_ours(store_url, pgbouncer):
    """On a server itself they are prepared once; behind a pooler none is left behind."""
    url = store_url("postgresql")

    assert await prepared(url) > 0
    assert await prepared(pgbouncer.before(url)) == 0
