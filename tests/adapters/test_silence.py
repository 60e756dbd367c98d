"""A server that is away without a word: told in time, and never waited for twice."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from sla_exporter.errors import StoreUnavailable
from sla_exporter.store.engine import Database
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.lease import Lease
from tests.adapters.test_drivers import window
from tests.cast import telling
from tests.conftest import ASYNCPG, PSYCOPG
from tests.silence import Way

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROMPT_S, LONG = 2.5, 60_000  # an old connection of asyncpg takes two seconds to close
LONGEST_S, SHORT_S = 60, 0.4
# A socket of ours to a silent end is closed without waiting for that end.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed", "ignore::pytest.PytestUnraisableExceptionWarning"
)
by_each_driver = pytest.mark.parametrize("store", [ASYNCPG, PSYCOPG])


@pytest.fixture
async def way(postgres) -> AsyncIterator[Way]:
    """A way to the server that can fall silent."""
    async with Way(postgres.port) as way:
        yield way


@pytest.fixture
def longest_s() -> float:
    """How long a statement may take."""
    return LONGEST_S


@pytest.fixture
def distant_url(store: str, store_url, postgres, way: Way) -> str:
    """The URL of a database at the end of that way."""
    return store_url(store).replace(str(postgres.port), str(way.port))


@pytest.fixture
async def distant(
    distant_url: str, longest_s: float, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """A database at the end of that way, with several connections open."""
    monkeypatch.setattr("sla_exporter.store.engine._PROMPT_S", PROMPT_S)
    monkeypatch.setattr("sla_exporter.store.drivers._LONGEST_S", longest_s)
    database = Database(distant_url)
    await database.migrate()
    await asyncio.gather(*(database.ping() for _ in range(4)))
    yield database
    await database.close()


async def urgent(database: Database) -> list[BaseException | None]:
    """Do what must be answered: a webhook, asking for the lease, asking whether we are ready."""
    keeping = Incidents(database).keep(telling(window(1)))
    asking = Lease(database, owner="a").acquire(LONG)
    found = await asyncio.gather(keeping, asking, database.ping(), return_exceptions=True)
    return [one if isinstance(one, BaseException) else None for one in found]


@by_each_driver
async def test_the_second_try_takes_a_new_connection(distant, way):
    """However many old ones are left; the first one is told in time that it was in vain."""
    way.fall_silent()

    begun = time.monotonic()
    first = await urgent(distant)
    took_s = time.monotonic() - begun
    second = await urgent(distant)

    assert [str(one) for one in first] == ["the database does not answer in time"] * 3
    assert second == [None] * 3
    # Beside that, psycopg takes five seconds to wait for the end of what it cancelled.
    assert took_s < PROMPT_S + 10


@pytest.mark.parametrize("longest_s", [SHORT_S])
@pytest.mark.parametrize("store", [ASYNCPG])
async def test_what_a_job_does_is_not_waited_for_without_end(distant, way):
    """Or it would never run again."""
    way.fall_silent()

    async def ask() -> None:
        async with distant.read() as connection:
            await connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable, match="does not answer"):
        await ask()
    await ask()


@pytest.mark.parametrize("longest_s", [SHORT_S])
@by_each_driver
async def test_migrations_take_as_long_as_they_take(distant):
    """Another replica's are waited for, and an index of ours is built to its end."""
    lock, free = (text(f"SELECT pg_advisory_{verb}(1307)") for verb in ("lock", "unlock"))
    async with distant.engine.connect() as connection:
        await connection.execute(lock)
        migrating = asyncio.create_task(distant.migrate())
        await asyncio.sleep(3 * SHORT_S)
        assert not migrating.done()
        await connection.execute(free)

    await migrating
