"""Keeping webhook requests as they came, which is what every alert waits for.

A request is one row; the windows that it tells of are joined afterwards, from that row, by
:mod:`sla_exporter.store.joining`. So what must work for a request to be safe is as little as can
be, and it costs the same however many alerts there are in it.

Written by hand, with all rows in a statement: a row that is prepared by itself, or an answer that
is waited for in between, costs more than storing it there. What was tried stands in
docs/operations.md.
"""

from __future__ import annotations

import zlib
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING

from sla_exporter.store.drivers import as_read_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from sla_exporter.ports.incidents import RawRequest
    from sla_exporter.store.engine import Database

    Row = tuple[int, str, bytes, int, str | None]

_REQUEST = "INSERT INTO webhook_request (received_at_ms, sender, body, truncated, problem)"
_BACKLOG = "INSERT INTO webhook_backlog (request_id)"
_ASIDE = f"""
    {_REQUEST}
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::int[], $5::text[])
"""  # noqa: S608 - made of constants of ours
_POSTGRES = f"""
    WITH kept AS ({_ASIDE} RETURNING id)
    {_BACKLOG} SELECT id FROM kept
"""  # noqa: S608 - made of constants of ours
# Nobody else writes meanwhile, so the newest ones are these.
_NEWEST = f"{_BACKLOG} SELECT id FROM webhook_request ORDER BY id DESC LIMIT ?"  # noqa: S608


def row_of(request: RawRequest) -> Row:
    """Make the row of a request, its body deflated, before it waits for others."""
    body = zlib.compress(request.body, 1)
    return request.received_at_ms, request.sender, body, request.truncated, request.problem


async def keep(database: Database, requests: Sequence[Row]) -> Sequence[None]:
    """Keep the requests, all or none, and note that they wait to be joined."""
    if database.is_sqlite:
        await database.write_in_one_go(partial(_keep, requests=requests))
    else:
        await _insert(database, _POSTGRES, requests)
    return [None] * len(requests)


async def set_aside(database: Database, requests: Sequence[Row]) -> Sequence[None]:
    """Keep requests that tell of nothing, all or none, as evidence only."""
    if database.is_sqlite:
        await database.write_in_one_go(partial(_insert_rows, requests=requests))
    else:
        await _insert(database, _ASIDE, requests)
    return [None] * len(requests)


async def _insert(database: Database, statement: str, requests: Sequence[Row]) -> None:
    columns = tuple(map(list, zip(*requests, strict=True)))
    async with database.write_at_once() as connection:
        said = as_read_by(connection.dialect.paramstyle, statement)
        await connection.exec_driver_sql(said, columns)


def _keep(connection: Connection, requests: Sequence[Row]) -> None:
    _insert_rows(connection, requests)
    connection.exec_driver_sql(_NEWEST, (len(requests),))


def _insert_rows(connection: Connection, requests: Sequence[Row]) -> None:
    connection.exec_driver_sql(values(_REQUEST, len(requests)), flat(requests))


@lru_cache(128)
def values(into: str, rows: int, rest: str = "") -> str:
    """Write a statement of SQLite's that takes many rows of five."""
    return f"{into} VALUES {', '.join(['(?, ?, ?, ?, ?)'] * rows)} {rest}"


def flat(rows: Iterable[tuple[object, ...]]) -> tuple[object, ...]:
    """Give all values of all rows."""
    return tuple(chain.from_iterable(rows))
