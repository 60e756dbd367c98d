"""Reloads that come together."""

from __future__ import annotations

import asyncio

import pytest

from sla_exporter.reloads import Reloads


class Slow:
    """A reload that takes until it is let go, and may fail."""

    def __init__(self) -> None:
        self.begun = self.at_once = 0
        self.may_end = asyncio.Event()
        self.fails_from = 100

    async def reload(self) -> None:
        self.begun += 1
        self.at_once += 1
        number = self.begun
        await self.may_end.wait()
        assert self.at_once == 1
        self.at_once -= 1
        if number >= self.fails_from:
            raise ValueError(f"reload {number}")


async def test_those_that_come_meanwhile_share_one_more():
    """Forty while one runs are two: that one may have read the file before it was changed."""
    slow = Slow()
    reloads = Reloads(slow.reload)

    first = asyncio.create_task(reloads.ask())
    await asyncio.sleep(0.01)
    rest = [asyncio.create_task(reloads.ask()) for _ in range(40)]
    await asyncio.sleep(0.01)
    assert slow.begun == 1
    slow.may_end.set()
    await asyncio.gather(first, *rest)

    assert slow.begun == 2
    await reloads.ask()
    assert slow.begun == 3


async def test_those_that_share_a_reload_share_its_failure():
    """And the one after is not kept from running."""
    slow = Slow()
    slow.fails_from = 2
    reloads = Reloads(slow.reload)
    first = asyncio.create_task(reloads.ask())
    await asyncio.sleep(0.01)
    rest = [asyncio.create_task(reloads.ask()) for _ in range(3)]
    slow.may_end.set()

    found = await asyncio.gather(first, *rest, return_exceptions=True)

    assert list(map(str, found)) == ["None", "reload 2", "reload 2", "reload 2"]
    with pytest.raises(ValueError, match="reload 3"):
        await reloads.ask()


async def test_who_goes_away_takes_no_reload_along():
    """Others may wait for the same one."""
    slow = Slow()
    reloads = Reloads(slow.reload)
    first, second = (asyncio.create_task(reloads.ask()) for _ in range(2))
    await asyncio.sleep(0.01)

    first.cancel()
    await asyncio.sleep(0)
    slow.may_end.set()

    await second
    assert slow.begun == 1
