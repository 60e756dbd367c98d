"""Writes that come at the same time share a transaction, and its fate."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, select

from sla_exporter.store import tables as t
from sla_exporter.store.together import Together


def adding(sink: str):
    async def work(connection):
        await connection.execute(insert(t.billing_check).values(sink=sink, checked_at_ms=1))
        return sink

    return work


async def sinks(database) -> list[str]:
    async with database.read() as connection:
        return sorted((await connection.execute(select(t.billing_check.c.sink))).scalars())


async def test_each_gets_what_its_own_work_gave(database):
    """Fifty at once, in far fewer transactions."""
    together, names = Together(database), [f"s{number:02}" for number in range(50)]

    given = await asyncio.gather(*(together.write(adding(name)) for name in names))

    assert given == names
    assert await sinks(database) == names


async def test_what_fails_fails_for_all_that_shared_it_and_leaves_no_trace(database):
    """They are tried again by whoever asked; the next transaction is not touched."""
    together = Together(database)

    async def failing(connection):
        raise RuntimeError("no")

    works = [adding("a"), adding("b"), failing]
    given = await asyncio.gather(*map(together.write, works), return_exceptions=True)

    assert [type(one) for one in given[1:]] == [RuntimeError, RuntimeError]
    assert await together.write(adding("c")) == "c"
    assert "b" not in await sinks(database)


async def test_who_shared_with_a_cancelled_one_is_told(database):
    """And does not wait for ever."""
    together, begun = Together(database), asyncio.Event()

    async def hanging(connection):
        begun.set()
        await asyncio.sleep(60)

    async with asyncio.timeout(10):
        leader = asyncio.create_task(together.write(hanging))
        await begun.wait()
        follower = asyncio.create_task(together.write(adding("a")))
        await asyncio.sleep(0)
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader

        assert await follower == "a"
