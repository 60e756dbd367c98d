"""The drivers: what each is told when it connects, and what keeps it right behind a pooler.

A pooler in transaction mode, such as PgBouncer's, gives every transaction another session. A
statement that was prepared in one is unknown in the next, and its name may be taken there. psycopg
is told to prepare nothing. asyncpg always prepares, but may leave statements without a name, and
sends those once more with what they are run on. That costs a round trip for each statement, so it
is done only where there is a pooler.

A server that fails over may leave connections that are silent for ever. asyncpg gives up on a
statement that takes longer than any of ours. psycopg leaves that to the system, which gives up on a
connection whose other end does not even confirm what it is sent. Once one was silent, no connection
as old as that is used again.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import URL, Dialect, ExceptionContext
    from sqlalchemy.ext.asyncio import AsyncEngine

NAME = "sla-exporter"  # what the server calls our sessions

_LONGEST_S = 60  # of a statement; the longest of ours take a few seconds
_CONNECT_S = 10
_TOLD: dict[str, dict[str, Any]] = {
    "asyncpg": {"server_settings": {"application_name": NAME}, "timeout": _CONNECT_S},
    "psycopg": {
        "application_name": NAME,
        "prepare_threshold": None,
        "connect_timeout": _CONNECT_S,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    },
}
_UNNAMED: dict[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}


def open_engine(url: str | URL) -> AsyncEngine:
    """Make the engine; nothing connects before it is used."""
    return _engine(make_url(url), longest_s=_LONGEST_S)


@asynccontextmanager
async def patient_engine(url: URL) -> AsyncIterator[AsyncEngine]:
    """Make an engine for statements that take as long as they take, such as building an index."""
    engine = _engine(url, longest_s=None)
    try:
        yield engine
    finally:
        await engine.dispose()


def _engine(url: URL, longest_s: float | None) -> AsyncEngine:
    driver = url.get_driver_name()
    if driver not in _TOLD:
        return create_async_engine(url)
    told = dict(_TOLD[driver])
    if driver == "asyncpg" and longest_s is not None:
        told["command_timeout"] = longest_s
    # What the URL says goes first.
    told = {name: value for name, value in told.items() if name not in url.query}
    engine = create_async_engine(url, connect_args=told)
    event.listen(engine.sync_engine, "handle_error", _leave_silent_ones)
    if driver == "asyncpg":
        event.listen(engine.sync_engine, "do_connect", _AsyncpgConnector().connect)
    return engine


def _leave_silent_ones(trouble: ExceptionContext) -> None:
    """Use no connection again on which we gave up waiting, nor the others of its time."""
    if isinstance(trouble.original_exception, (TimeoutError, asyncio.CancelledError)):
        trouble.is_disconnect = True
        trouble.invalidate_pool_on_disconnect = True


@lru_cache(16)
def as_read_by(paramstyle: str, statement: str) -> str:
    """Write a statement with ``$1``, ``$2``, each once and in order, as a driver reads it."""
    return statement if paramstyle == "numeric_dollar" else re.sub(r"\$\d+", "%s", statement)


class _AsyncpgConnector:
    """Connects by asyncpg; finds out once whether that leads to a pooler."""

    def __init__(self) -> None:
        self._leads_to_pooler: bool | None = None

    def connect(
        self, dialect: Dialect, _record: object, arguments: list[Any], keywords: dict[str, Any]
    ) -> Any:
        connect: Any = dialect.loaded_dbapi.connect
        if self._leads_to_pooler is None:
            probe = connect(*arguments, **keywords | _UNNAMED)
            try:
                self._leads_to_pooler = probe.run_async(_is_pooler)
            finally:
                probe.close()
        return connect(*arguments, **keywords | (_UNNAMED if self._leads_to_pooler else {}))


async def _is_pooler(connection: Any) -> bool:
    """Compare the session's process with the one we were told of: a pooler makes up a number."""
    process = await connection.fetchval("SELECT pg_backend_pid()")
    return bool(process != connection.get_server_pid())
