"""Writes that come at the same time share a transaction; what is wrong with one costs no other."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, select

from sla_exporter.errors import StoreUnavailable
from sla_exporter.store import tables as t
from sla_exporter.store.together import Together, in_transaction

NAMES = [f"s{number:02}" for number in range(50)]


async def add(connection, names):
    """Write a row for each name."""
    for name in names:
        if name == "bad":
            raise RuntimeError("no")
        await connection.execute(insert(t.billing_check).values(sink=name, checked_at_ms=1))
    return [name.upper() for name in names]


async def sinks(database) -> list[str]:
    async with database.read() as connection:
        return sorted((await connection.execute(select(t.billing_check.c.sink))).scalars())


async def test_each_gets_its_own_answer(database):
    """Fifty at once, in one transaction."""
    sizes = []

    async def counted(connection, names):
        sizes.append(len(names))
        return await add(connection, names)

    together = Together(in_transaction(database, counted))

    given = await asyncio.gather(*map(together.write, NAMES))

    assert given == [name.upper() for name in NAMES]
    assert await sinks(database) == NAMES
    assert sizes == [50]


async def test_what_fails_costs_no_other_and_leaves_no_trace(database):
    """What shared its transaction is written by itself."""
    together = Together(in_transaction(database, add))

    given = await asyncio.gather(*map(together.write, ["a", "bad", "b"]), return_exceptions=True)

    assert (given[0], type(given[1]), given[2]) == ("A", RuntimeError, "B")
    assert await sinks(database) == ["a", "b"]


async def test_trouble_of_the_database_is_told_to_all(database):
    """Nothing is tried one by one on a database that is not there."""
    tried = []

    async def failing(_connection, names):
        tried.append(names)
        raise StoreUnavailable("gone")

    together = Together(in_transaction(database, failing))

    given = await asyncio.gather(*map(together.write, "ab"), return_exceptions=True)

    assert [type(one) for one in given] == [StoreUnavailable, StoreUnavailable]
    assert len(tried) == 1


async def test_who_goes_away_takes_nobody_along(database):
    """What was begun is written for everybody who asked."""
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def waiting(connection, names):
        begun.set()
        await may_go_on.wait()
        return await add(connection, names)

    together = Together(in_transaction(database, waiting))
    async with asyncio.timeout(10):
        first = asyncio.create_task(together.write("a"))
        await begun.wait()
        second = asyncio.create_task(together.write("b"))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        may_go_on.set()

        assert await second == "B"
    assert await sinks(database) == ["a", "b"]
