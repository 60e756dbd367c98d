"""SQLite in one go: a whole transaction on a thread.

The driver for the event loop goes to its thread and comes back four times for each statement, and
while there is much to do, that takes longer than the statements.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import create_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection, Engine

T = TypeVar("T")

_THREADS = 4


class DirectSqlite:
    """Transactions on a file; ``prepare`` adds to the engine what every connection needs."""

    def __init__(self, url: URL, prepare: Callable[[Engine], None]) -> None:
        self._engine = create_engine(url.set(drivername="sqlite"))
        prepare(self._engine)
        self._threads = ThreadPoolExecutor(_THREADS, "sqlite")

    async def run(self, work: Callable[[Connection], T], **options: bool) -> T:
        """Do the work in a transaction that commits at its end, or leaves no trace."""
        call = partial(self._run, work, options)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def close(self) -> None:
        """Let what is under way end, and close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    def _run(self, work: Callable[[Connection], T], options: dict[str, bool]) -> T:
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            return work(connection)
