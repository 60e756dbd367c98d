"""The database engine: no lost updates, and trouble told in a sentence."""

from __future__ import annotations

import asyncio
import socket

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from sla_exporter.errors import StoreUnavailable
from sla_exporter.store import tables as t
from sla_exporter.store.engine import Database, existing_or_empty, sqlite_url
from tests.conftest import ASYNCPG, EVERY_SERVER, PSYCOPG

ROW = {"service": "web", "interval_ms": 0, "from_ms": 0, "fresh_until_ms": 0, "final_until_ms": 0}


async def test_concurrent_read_modify_writes_lose_nothing(tmp_path):
    """SQLite's default set-up keeps 20 of 160 increments, without an error.

    Two engines are as two processes: each knows nothing of the other's writers.
    """
    database, other = (Database(sqlite_url(tmp_path / "test.db")) for _ in range(2))
    await database.migrate()
    column = t.watermark.c.interval_ms
    async with database.write() as connection:
        await connection.execute(insert(t.watermark).values(**ROW))

    async def add_one(by: Database) -> None:
        async with by.write() as connection:
            value = (await connection.execute(select(column))).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(update(t.watermark).values(interval_ms=value + 1))

    async def add_many(by: Database) -> None:
        for _ in range(20):
            await add_one(by)

    await asyncio.gather(*(add_many(by) for by in (database, other) for _ in range(4)))
    async with database.read() as connection:
        total = (await connection.execute(select(column))).scalar_one()
    await database.close()
    await other.close()

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


@pytest.mark.parametrize("store", EVERY_SERVER)
@pytest.mark.parametrize(
    "statements",
    [
        ("SET LOCAL statement_timeout = 10", "SELECT pg_sleep(5)"),
        ("SET TRANSACTION READ ONLY", "CREATE TABLE another (thing text)"),
        ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$",),
        ("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53200'; END $$",),
    ],
    ids=["timeout", "standby", "deadlock", "memory"],
)
async def test_what_passes_on_a_server_is_trouble_in_a_sentence(store, store_url, statements):
    """What was to be written is fine, and may be tried again."""
    database = Database(store_url(store))

    async def run() -> None:
        async with database.write() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)

    with pytest.raises(StoreUnavailable, match="not available"):
        await run()
    await database.close()


async def test_who_writes_again_and_again_lets_others_in_between(tmp_path):
    """Writers take turns, in whichever way they write, and none waits for luck."""
    database = Database(sqlite_url(tmp_path / "test.db"))
    await database.migrate()
    turns: list[str] = []

    async def again_and_again() -> None:
        while turns.count("once") < 3:
            await database.write_in_one_go(lambda _: turns.append("again"))

    async def once() -> None:
        async with database.write():
            turns.append("once")

    async with asyncio.timeout(10):
        await asyncio.gather(again_and_again(), *(once() for _ in range(3)))
    await database.close()

    assert turns[:4] == ["again", "once", "once", "once"]


async def test_who_waits_too_long_for_a_turn_is_told(tmp_path, monkeypatch):
    """And leaves the line to the others."""
    monkeypatch.setattr("sla_exporter.store.engine._BUSY_S", 0.05)
    database = Database(sqlite_url(tmp_path / "test.db"))
    await database.migrate()

    async with database.write():
        with pytest.raises(StoreUnavailable, match="the database is busy"):
            async with database.write():
                pass
    async with database.write():
        pass
    await database.close()


async def test_a_server_that_is_away_is_trouble_in_a_sentence():
    """Nobody listens on that port."""
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")

    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await database.ping()

    await database.close()


@pytest.mark.parametrize("store", [ASYNCPG, PSYCOPG])
async def test_a_name_that_is_not_known_now_is_trouble_in_a_sentence(store, store_url, monkeypatch):
    """As when a container's name goes with the container."""

    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    database = Database(store_url(store).replace("127.0.0.1", "db.example"))

    with pytest.raises(StoreUnavailable, match="Name or service not known"):
        await database.ping()
    await database.close()


@pytest.mark.parametrize("store", [ASYNCPG, PSYCOPG])
async def test_too_few_connections_are_trouble_in_a_sentence(store, store_url, monkeypatch):
    """Others wait for a lock, and hold all of them."""
    database = Database(store_url(store))
    monkeypatch.setattr(database.engine.sync_engine.pool, "_timeout", 0.05)
    held = [await database.engine.connect() for _ in range(15)]

    with pytest.raises(StoreUnavailable, match="in use"):
        await database.ping()
    for connection in held:
        await connection.close()
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
