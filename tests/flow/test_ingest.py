"""When what was kept is joined: soon, but not while more is coming."""

from __future__ import annotations

import asyncio

import pytest

from sla_exporter.flow import ingest
from sla_exporter.flow.ingest import Joiner


class Joined:
    def __init__(self) -> None:
        self.times = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def join(self) -> None:
        self.times += 1
        await self.goes_on.wait()


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(ingest, "_LULL_S", 0.01)
    monkeypatch.setattr(ingest, "_LONGEST_S", 0.2)


async def until(said) -> None:
    async with asyncio.timeout(10):
        while not said():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


async def test_a_burst_is_joined_once_it_is_over():
    """Not after each request of it."""
    joined = Joined()
    joiner = Joiner(join=joined.join)
    for _ in range(5):
        joiner.hear()
        await asyncio.sleep(0)
    assert joined.times == 0

    await until(lambda: joined.times)
    await asyncio.sleep(0.1)
    assert joined.times == 1


async def test_one_that_does_not_end_is_joined_all_the_same():
    """What waits must not wait for ever."""
    joined = Joined()
    joiner = Joiner(join=joined.join)

    async def flood() -> None:
        while not joined.times:
            joiner.hear()
            await asyncio.sleep(0.001)

    async with asyncio.timeout(10):
        await flood()


async def test_what_comes_while_others_are_joined_is_joined_next():
    """It may have come too late for them."""
    joined = Joined()
    joiner = Joiner(join=joined.join)
    joined.goes_on.clear()
    joiner.hear()
    await until(lambda: joined.times == 1)

    joiner.hear()
    joined.goes_on.set()

    await until(lambda: joined.times == 2)


async def test_a_failure_is_not_the_last_try():
    """The next request makes it try again."""
    times = []

    async def join() -> None:
        times.append(1)
        if len(times) == 1:
            raise RuntimeError("no")

    joiner = Joiner(join=join)
    joiner.hear()
    first = joiner._task  # noqa: SLF001 - its failure is expected
    with pytest.raises(RuntimeError):
        await first
    joiner.hear()

    await until(lambda: len(times) == 2)
