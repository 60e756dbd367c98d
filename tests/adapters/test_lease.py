"""The lease: one holder at a time, and no write of a former one."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, select, update

from sla_exporter.errors import LeaseLost, StoreUnavailable
from sla_exporter.store import tables as t
from sla_exporter.store.engine import Database
from sla_exporter.store.lease import FencedDatabase, Lease
from tests.adapters.test_engine import ROW
from tests.conftest import EVERY_SERVER, SQLITE

STORES = (SQLITE, *EVERY_SERVER)
LONG, GONE = 60_000, 1


async def lapse() -> None:
    """Wait until a lease of a millisecond has run out."""
    await asyncio.sleep(0.02)


async def test_one_of_many_gets_it(database):
    """However many ask at once."""
    leases = [Lease(database, owner=str(number)) for number in range(8)]

    won = await asyncio.gather(*(lease.acquire(LONG) for lease in leases))

    assert won.count(True) == 1


async def test_the_holder_keeps_it_under_the_same_epoch(database):
    """Renewing is not changing hands."""
    first, second = Lease(database, owner="a"), Lease(database, owner="b")
    await first.acquire(LONG)
    before = first.epoch

    assert await first.acquire(LONG)
    assert not await second.acquire(LONG)
    assert first.epoch == before


async def test_it_is_taken_over_once_it_has_run_out(database):
    """Under the next epoch."""
    first, second = Lease(database, owner="a"), Lease(database, owner="b")
    await first.acquire(GONE)
    await lapse()

    assert await second.acquire(LONG)
    assert second.epoch == first.epoch + 1
    assert not await first.acquire(LONG)


async def test_given_back_it_is_free_at_once(database):
    """So that a rolling upgrade waits for nothing."""
    first, second = Lease(database, owner="a"), Lease(database, owner="b")
    await first.acquire(LONG)
    await first.release()

    assert await second.acquire(LONG)
    assert not first.is_held


async def test_a_clock_that_was_put_back_does_not_lock_it_for_ever(database):
    """A lease granted in the future is from before that."""
    first, second = Lease(database, owner="a"), Lease(database, owner="b")
    await first.acquire(LONG)
    async with database.write() as connection:
        year = 365 * 86_400_000
        c = t.lease.c
        later = {"granted_at_ms": c.granted_at_ms + year, "expires_at_ms": c.expires_at_ms + year}
        await connection.execute(update(t.lease).values(later))

    assert await second.acquire(LONG)


async def test_a_former_holder_cannot_write(database):
    """It learns of it in the very transaction, which leaves no trace."""
    first, second = Lease(database, owner="a"), Lease(database, owner="b")
    await first.acquire(GONE)
    await lapse()
    await second.acquire(LONG)

    with pytest.raises(LeaseLost):
        async with FencedDatabase(database, first).write() as connection:
            await connection.execute(insert(t.watermark).values(**ROW))

    assert not first.is_held
    async with database.read() as connection:
        assert (await connection.execute(select(t.watermark))).all() == []


async def test_a_former_holder_cannot_write_in_one_go_either(database):
    """Nor may it before it ever held the lease; the holder may."""
    first, second = Lease(database, owner="a"), Lease(database, owner="b")
    await first.acquire(GONE)
    await lapse()
    row = insert(t.watermark).values(**ROW)
    with pytest.raises(LeaseLost):
        await FencedDatabase(database, second).write_in_one_go(lambda c: c.execute(row))
    await second.acquire(LONG)
    with pytest.raises(LeaseLost):
        await FencedDatabase(database, first).write_in_one_go(lambda c: c.execute(row))

    async with database.read() as connection:
        assert (await connection.execute(select(t.watermark))).all() == []
    await FencedDatabase(database, second).write_in_one_go(lambda c: c.execute(row))


async def test_a_write_that_has_begun_is_waited_for(database):
    """A successor gets the lease after it, never in the middle of it."""
    first, second = Lease(database, owner="a"), Lease(database, owner="b")
    await first.acquire(GONE)
    async with FencedDatabase(database, first).write() as connection:
        await lapse()
        taking_over = asyncio.create_task(second.acquire(LONG))
        await lapse()
        assert not (taking_over.done() and taking_over.result())
        await connection.execute(insert(t.watermark).values(**ROW))

    assert await taking_over or await second.acquire(LONG)


@pytest.mark.parametrize("store", EVERY_SERVER)
async def test_a_long_write_does_not_keep_its_own_lease_from_being_renewed(store, store_url):
    """On PostgreSQL; on SQLite one write waits for the other anyway."""
    database = Database(store_url(store))
    await database.migrate()
    lease = Lease(database, owner="a")
    await lease.acquire(LONG)
    async with FencedDatabase(database, lease).write():
        assert await lease.acquire(LONG)
    await database.close()


# asyncpg leaves the socket of a session that the server ended to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("store", EVERY_SERVER)
async def test_a_session_that_fell_silent_in_a_transaction_is_ended(store, store_url):
    """Its locks hold nobody up for longer than a lease."""
    database = Database(store_url(store))
    await database.migrate()
    first, second = Lease(database, owner="a"), Lease(database, owner="b")
    await first.acquire(GONE)

    async def write_and_fall_silent() -> None:
        async with FencedDatabase(database, first).write():
            while not await second.acquire(GONE * 100):
                await lapse()

    with pytest.raises(StoreUnavailable):
        await write_and_fall_silent()
    await database.close()

    assert second.is_held


async def test_one_that_is_stopped_while_it_takes_it_keeps_nobody_waiting(postgres):
    """Not even where the row of the lease is new; the others ask again later."""
    database = Database(postgres.fresh_database())
    await database.migrate()
    first, second = Lease(database, owner="a"), Lease(database, owner="b")

    async with database.write() as connection, asyncio.timeout(10):
        assert await first._is_free(connection)  # noqa: SLF001 - in the middle of acquiring
        assert not await second.acquire(LONG)
    assert await second.acquire(LONG)
    await database.close()


async def test_without_the_lease_nothing_is_written(database):
    """Not even before anybody ever held it."""
    with pytest.raises(LeaseLost):
        async with FencedDatabase(database, Lease(database, owner="a")).write():
            pass
