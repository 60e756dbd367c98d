"""Writes that come at the same time share a transaction.

A commit is a write to the disk that is waited for, and SQLite has one writer at a time. So what
comes while one transaction is under way waits together, and becomes the next one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sla_exporter.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.store.engine import Database

T = TypeVar("T")
R = TypeVar("R")

MOST = 64


def in_transaction(
    database: Database, work: Callable[[AsyncConnection, Sequence[T]], Awaitable[Sequence[R]]]
) -> Callable[[Sequence[T]], Awaitable[Sequence[R]]]:
    """Open the transaction for work that needs one."""

    async def transaction(items: Sequence[T]) -> Sequence[R]:
        async with database.write() as connection:
            return await work(connection, items)

    return transaction


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T, R]):
    """Something that waits for its commit."""

    item: T
    outcome: asyncio.Future[R]

    def done(self, given: R) -> None:
        if not self.outcome.done():  # who asked may be gone
            self.outcome.set_result(given)

    def failed(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Together(Generic[T, R]):
    """Writes items, as many as wait in one transaction.

    ``transaction`` writes all that it is given or nothing, and gives one answer for each.
    """

    def __init__(self, transaction: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> None:
        self._transaction = transaction
        self._waiting: list[_Waiting[T, R]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, item: T) -> R:
        """Write the item, and give the answer for it once it is committed."""
        outcome: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, outcome))
        if self._writing is None or self._writing.done():
            # A task of its own, so that who goes away while it runs takes nobody along.
            self._writing = asyncio.create_task(self._write_waiting())
        return await outcome

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._commit(batch)

    async def _commit(self, batch: Sequence[_Waiting[T, R]]) -> None:
        """Write a batch, or each by itself where one cannot be, so that it costs no other."""
        try:
            given = await self._transaction([one.item for one in batch])
        except Exception as error:  # noqa: BLE001 - told to everyone who waits for it
            if len(batch) == 1 or isinstance(error, StoreUnavailable):
                for one in batch:
                    one.failed(error)
                return
            for one in batch:
                await self._commit([one])
        else:
            for one, answer in zip(batch, given, strict=True):
                one.done(answer)
