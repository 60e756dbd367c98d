"""The drivers: what each is told when it connects, and what keeps it right behind a pooler.

A pooler in transaction mode, such as PgBouncer's, gives every transaction another session. A
statement that was prepared in one is unknown in the next, and its name may be taken there. psycopg
is told to prepare nothing. asyncpg always prepares, but may leave statements without a name, and
sends those once more with what they are run on. That costs a round trip for each statement, so it
is done only where there is a pooler.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.ext.asyncio import AsyncEngine

NAME = "sla-exporter"  # what the server calls our sessions

_UNNAMED: dict[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}


def open_engine(url: str) -> AsyncEngine:
    """Make the engine; nothing connects before it is used."""
    driver = make_url(url).get_driver_name()
    if driver == "psycopg":
        told = {"application_name": NAME, "prepare_threshold": None}
        return create_async_engine(url, connect_args=told)
    if driver == "asyncpg":
        named = {"server_settings": {"application_name": NAME}}
        engine = create_async_engine(url, connect_args=named)
        event.listen(engine.sync_engine, "do_connect", _AsyncpgConnector().connect)
        return engine
    return create_async_engine(url)


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
