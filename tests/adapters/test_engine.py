"""The database engine: no lost updates, and trouble told in a sentence."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from sla_exporter.errors import StoreUnavailable
from sla_exporter.store import tables as t
from sla_exporter.store.engine import Database, existing_or_empty, sqlite_url

ROW = {"service": "web", "interval_ms": 0, "from_ms": 0, "fresh_until_ms": 0, "final_until_ms": 0}


async def test_concurrent_read_modify_writes_lose_nothing(tmp_path):
    """SQLite's default set-up keeps 20 of 160 increments, without an error."""
    database = Database(sqlite_url(tmp_path / "test.db"))
    await database.migrate()
    column = t.watermark.c.interval_ms
    async with database.write() as connection:
        await connection.execute(insert(t.watermark).values(**ROW))

    async def add_one() -> None:
        async with database.write() as connection:
            value = (await connection.execute(select(column))).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(update(t.watermark).values(interval_ms=value + 1))

    async def add_many() -> None:
        for _ in range(20):
            await add_one()

    await asyncio.gather(*(add_many() for _ in range(8)))
    async with database.read() as connection:
        total = (await connection.execute(select(column))).scalar_one()
    await database.close()

    assert total == 160


async def test_a_transaction_that_raises_leaves_no_trace(database):
    """Whatever happened inside it."""

    async def write_and_break() -> None:
        async with database.write() as connection:
            await connection.execute(insert(t.watermark).values(**ROW))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        await write_and_break()

    async with database.read() as connection:
        assert (await connection.execute(select(t.watermark))).all() == []


async def test_a_locked_database_is_trouble_in_a_sentence(tmp_path):
    """Another process holds the write lock for longer than we wait."""
    url = sqlite_url(tmp_path / "test.db")
    database, other = Database(url), Database(url)
    await database.migrate()
    async with database.read() as connection:
        await connection.execute(text("PRAGMA busy_timeout=50"))

    async with other.write():
        with pytest.raises(StoreUnavailable, match="database is locked"):
            async with database.write():
                pass

    await database.close()
    await other.close()


async def test_a_server_that_is_away_is_trouble_in_a_sentence():
    """Nobody listens on that port."""
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")

    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await database.ping()

    await database.close()


async def test_a_dry_run_creates_no_database(tmp_path):
    """Without a file there is an empty database in memory, and still no file."""
    file = tmp_path / "none.db"
    database = await existing_or_empty(sqlite_url(file))
    await database.ping()
    await database.close()

    assert not file.exists()


async def test_what_fails_in_one_go_leaves_no_trace(tmp_path):
    """And the next one is written; what the database cannot do now is said in a sentence."""
    database = Database(sqlite_url(tmp_path / "x.db"))
    await database.migrate()
    into = text("INSERT INTO billing_check (sink, checked_at_ms) VALUES (:sink, 1)")

    def once(connection):
        connection.execute(into, {"sink": "b"})

    def twice(connection):
        once(connection)
        once(connection)

    with pytest.raises(IntegrityError):
        await database.write_in_one_go(twice)
    await database.write_in_one_go(once)
    with pytest.raises(StoreUnavailable, match="not available: no such table"):
        await database.write_in_one_go(lambda c: c.execute(text("DELETE FROM nowhere")))

    async with database.read() as connection:
        found = (await connection.execute(text("SELECT sink FROM billing_check"))).scalars().all()
    await database.close()
    assert found == ["b"]
