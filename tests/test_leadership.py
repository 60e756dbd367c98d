"""Leadership: asked for again and again, whatever comes of it, and never claimed for too long."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from sla_exporter.errors import StoreUnavailable
from sla_exporter.leadership import Leadership
from sla_exporter.store.lease import Lease

if TYPE_CHECKING:
    from sla_exporter.store.engine import Database

LENGTH_MS = 100
TROUBLE = [
    StoreUnavailable("away"),
    socket.gaierror(-2, "Name or service not known"),
    TimeoutError(),
    RuntimeError("what nobody thought of"),
]


class Troubled(Lease):
    """A lease that cannot be asked for while there is trouble."""

    trouble: Exception | None = None
    asked = 0

    async def acquire(self, length_ms: int) -> bool:
        self.asked += 1
        if self.trouble:
            raise self.trouble
        return await super().acquire(length_ms)


def led(lease: Lease, begun: list[str]) -> Leadership:
    """Give the leadership; what begins is written down."""

    async def begin() -> None:
        begun.append("jobs")

    return Leadership(lease=lease, length_ms=lambda: LENGTH_MS, begin=begin)


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - as whoever looks at the metric
            await asyncio.sleep(LENGTH_MS / 20_000)


@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda trouble: type(trouble).__name__)
async def test_it_is_won_back_once_the_trouble_is_over(database: Database, trouble):
    """It runs out meanwhile, and whoever had it says so."""
    lease, begun = Troubled(database, owner="a"), []
    leadership = led(lease, begun)
    keeping = asyncio.create_task(leadership.keep())
    await until(leadership.is_ours)

    lease.trouble = trouble
    await until(lambda: not leadership.is_ours())
    tried = lease.asked
    await until(lambda: lease.asked > tried + 2)
    lease.trouble = None
    await until(lambda: len(begun) == 2)

    assert leadership.is_ours()
    leadership.stop()
    await keeping
    await leadership.resign()


async def test_it_runs_out_while_an_answer_is_waited_for(database: Database):
    """A database that does not answer keeps nobody in office."""
    lease = Lease(database, owner="a")
    leadership = led(lease, [])
    await lease.acquire(LENGTH_MS)
    assert leadership.is_ours()

    await asyncio.sleep(LENGTH_MS / 1000)

    assert lease.is_held
    assert not leadership.is_ours()
