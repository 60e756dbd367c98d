"""Writes that come at the same time share a transaction.

A commit is a write to the disk that is waited for, and SQLite has one writer at a time. So what
comes while one transaction is under way waits together, and becomes the next one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sla_exporter.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.store.engine import Database


class Together:
    """Runs small writes, as many as wait in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._waiting: list[tuple[Callable[[AsyncConnection], Awaitable[Any]], Any]] = []

    async def write(self, work: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
        """Do the work in a transaction, and give what it gives once that is committed."""
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, outcome))
        async with self._lock:
            if not outcome.done():
                await self._commit()
        return await outcome

    async def _commit(self) -> None:
        """Do everything that waits; it is committed, or none of it is."""
        together, self._waiting = self._waiting, []
        try:
            async with self._database.write() as connection:
                given = [await work(connection) for work, _ in together]
        except Exception as error:  # noqa: BLE001 - it is handed on to everybody who waits
            for _, outcome in together:
                outcome.set_exception(error)
        except BaseException:
            for _, outcome in together:
                outcome.set_exception(StoreUnavailable("the write was called off"))
            raise
        else:
            for (_, outcome), value in zip(together, given, strict=True):
                outcome.set_result(value)
