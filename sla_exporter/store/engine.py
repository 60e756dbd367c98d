"""The database: one engine, reads and writes apart, trouble told in a sentence.

SQLite's default set-up loses concurrent updates without an error, so every write transaction begins
with ``BEGIN IMMEDIATE``: it holds the write lock before it reads what it is about to change.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sla_exporter.errors import StoreUnavailable
from sla_exporter.store.direct import DirectSqlite
from sla_exporter.store.drivers import NAME, open_engine, patient_engine
from sla_exporter.store.line import Line
from sla_exporter.store.schema import upgrade

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncConnection

K = TypeVar("K")
T = TypeVar("T")

_WRITES = "sla_writes"
_BUSY_S = 10  # how long a write waits for others
_PROMPT_S = 10  # how long a server may take for what somebody waits for
# Not idle_in_transaction_session_timeout: a session that was told to prepare a statement, and not
# yet to run it, is not idle to the server.
_END_SILENT = text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND application_name = :name
      AND state <> 'idle' AND wait_event = 'ClientRead'
      AND state_change < clock_timestamp() - CAST(:silent_ms AS integer) * interval '1 ms'
""")
_PASSING = {"OperationalError", "InterfaceError", "InternalError"}  # the names of all drivers
# PostgreSQL's classes of errors that pass: connection, rolled back by the server, out of resources,
# not in the right state, stopped by an operator or a time-out, the system; and a standby's
# "read-only".
_PASSING_STATES = ("08", "25006", "40", "53", "55", "57", "58")
_MIGRATIONS_LOCK = 0x51B  # any number that only migrations use
_SILENT = "the database does not answer in time"


class Database:
    """The engine behind every store; SQLite and PostgreSQL alike."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._writer = self.engine.execution_options(**{_WRITES: True})
        self._at_once = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._direct: DirectSqlite | None = None
        self._line = Line(_BUSY_S if self.is_sqlite else None)
        # A file does not fall silent, and what a thread does with it cannot be cut off.
        self._prompt_s = None if self.is_sqlite else _PROMPT_S
        if self.is_sqlite:
            _listen(self.engine.sync_engine)
            if self.engine.url.database:  # not in memory, where there is one connection
                self._direct = DirectSqlite(self.engine.url, _listen)

    @property
    def is_sqlite(self) -> bool:
        """Say which of the two dialects this is."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reading: one consistent snapshot."""
        with _trouble_in_words():
            async with self.engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at the end, or leaves no trace."""
        with _trouble_in_words():
            async with self._line.turn(), self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write_at_once(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection on which each statement is a transaction by itself, and prompt."""
        with _trouble_in_words():
            async with self.promptly(), self._at_once.connect() as connection:
                yield connection

    @asynccontextmanager
    async def promptly(self) -> AsyncIterator[None]:
        """Cut off what takes too long, and do not use its connection again.

        The server may be gone without a word, and what is sent to it may not be refused either.

        Raises:
            StoreUnavailable: if it was cut off; what was to be committed may have been.
        """
        try:
            async with asyncio.timeout(self._prompt_s):
                yield
        except TimeoutError as error:
            raise StoreUnavailable(_SILENT) from error

    async def read_in_one_go(self, work: Callable[[Connection], T]) -> T:
        """Give what the work reads, from one consistent snapshot."""
        with _trouble_in_words():
            if self._direct is not None:
                return await self._direct.run(work)
            async with self.engine.connect() as connection:
                return await connection.run_sync(work)

    async def write_in_one_go(self, work: Callable[[Connection], T]) -> T:
        """Do work in a transaction that commits at its end, or leaves no trace."""
        with _trouble_in_words():
            async with self._line.turn():
                if self._direct is not None:
                    return await self._direct.run(work, **{_WRITES: True})
                async with self._writer.begin() as connection:
                    return await connection.run_sync(work)

    async def ping(self) -> None:
        """Find out whether the database answers."""
        async with self.promptly(), self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def end_silent_sessions(self, silent_ms: int) -> None:
        """End sessions of ours that stopped talking in the middle of a transaction.

        The process of such a session is paused or cut off, and the locks it holds keep the others
        from working. SQLite's locks end with their process only.
        """
        if self.is_sqlite:
            return
        async with self.read() as connection:
            await connection.execute(_END_SILENT, {"name": NAME, "silent_ms": silent_ms})

    async def migrate(self) -> None:
        """Bring the schema up to date; safe to call at every start.

        Raises:
            StoreTooNew: if a newer version changed it in a way that this one cannot work with.
        """
        if self.is_sqlite:
            async with self.write() as connection:
                await connection.run_sync(upgrade)
            return
        with _trouble_in_words():
            async with patient_engine(self.engine.url) as engine, engine.begin() as connection:
                # Replicas that start together would run them twice.
                lock = text("SELECT pg_advisory_xact_lock(:k)")
                await connection.execute(lock, {"k": _MIGRATIONS_LOCK})
                await connection.run_sync(upgrade)

    async def close(self) -> None:
        """Give the connections back; one that is silent is not waited for."""
        if self._direct is not None:
            await self._direct.close()
        with suppress(StoreUnavailable):
            async with self.promptly():
                await self.engine.dispose()


def in_parts(keys: Sequence[K], size: int = 500) -> Iterator[Sequence[K]]:
    """Cut a list into pieces that fit into one statement."""
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def sqlite_url(path: Path) -> str:
    """Name a database file as SQLAlchemy does."""
    return f"sqlite+aiosqlite:///{path}"


async def existing_or_empty(url: str) -> Database:
    """Open the database if there is one, or else an empty one in memory: for dry runs."""
    if _is_there(url):
        return Database(url)
    database = Database("sqlite+aiosqlite://")
    await database.migrate()
    return database


def _is_there(url: str) -> bool:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return True
    return bool(parsed.database) and Path(str(parsed.database)).exists()


def _listen(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    # Python's own transaction handling is switched off, so that BEGIN is ours to say.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit that was answered with 2xx survives a power cut
        "foreign_keys=ON",
        f"busy_timeout={int(_BUSY_S * 1000)}",
        # New alerts touch pages all over the index, of which fewer are written twice then.
        "wal_autocheckpoint=4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class _trouble_in_words:  # noqa: N801 - reads as the statement it is
    """Turn what the driver raises into a sentence; programming errors stay what they are."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, DBAPIError) and _is_passing(error):
            raise StoreUnavailable(f"the database is not available: {error.orig}") from error
        if isinstance(error, PoolTimeout):
            raise StoreUnavailable("the database is busy: all connections are in use") from error
        if isinstance(error, TimeoutError):
            raise StoreUnavailable(_SILENT) from error
        if isinstance(error, OSError):  # refused, cut off, or its name is not known now
            raise StoreUnavailable(f"the database cannot be reached: {error}") from error


def _is_passing(error: DBAPIError) -> bool:
    # Of no kind is what comes of a session that the server ended while it was being opened.
    ended = "connection was closed" in str(error.orig)
    state = str(getattr(error.orig, "sqlstate", None) or "")
    passes = state.startswith(_PASSING_STATES)
    return ended or passes or error.connection_invalidated or type(error).__name__ in _PASSING
