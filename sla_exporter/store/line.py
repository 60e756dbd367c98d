"""Waiting in line to write.

SQLite has one writer at a time, and who waits for it asks again and again, at longer and longer
intervals. Where another task of the same process writes one transaction after the other, the moment
in between is missed for seconds. In a line, nobody waits for longer than those before it take.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sla_exporter.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Line:
    """A line of the tasks that want to write; none where ``longest_s`` is none."""

    def __init__(self, longest_s: float | None) -> None:
        self._longest_s = longest_s
        self._taken = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn, and keep it.

        Raises:
            StoreUnavailable: if it does not come in time.
        """
        if self._longest_s is None:
            yield
            return
        try:
            async with asyncio.timeout(self._longest_s):
                await self._taken.acquire()
        except TimeoutError:
            raise StoreUnavailable("the database is busy: others write to it") from None
        try:
            yield
        finally:
            self._taken.release()
