"""Joining windows: what kept requests tell of becomes part of the incident windows.

Every process may join what waits, at any time. What is joined leaves the backlog in the same
transaction, so a crash costs nothing and nothing is joined twice. Whoever is about to read windows
joins what waits first: what was answered with 2xx is seen by everything that decides.
"""

from __future__ import annotations

import zlib
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import DBAPIError

from sla_exporter.core.incidents import joined
from sla_exporter.store import tables as t
from sla_exporter.store.drivers import as_read_by
from sla_exporter.store.receiving import flat, values
from sla_exporter.webhook import read_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from sla_exporter.core.incidents import ToldWindow
    from sla_exporter.store.engine import Database

_log = structlog.get_logger(__name__)

_MOST = 64  # requests in a transaction
_MOST_BYTES = 1 << 18  # of their bodies, deflated; a single one may be larger
_MOST_ROWS = 1024  # SQLite takes 32,766 values in one statement

_INCIDENT = "INSERT INTO incident (fingerprint, starts_at_ms, ends_at_ms, labels, annotations)"
# The same rule as core.incidents.latest_end: a known end stays, and the later one wins. A repeat
# that says nothing new, which most of them are, writes nothing.
_JOIN = """
    ON CONFLICT (fingerprint, starts_at_ms) DO UPDATE SET
      ends_at_ms = CASE WHEN incident.ends_at_ms IS NULL THEN excluded.ends_at_ms
                        WHEN excluded.ends_at_ms > incident.ends_at_ms THEN excluded.ends_at_ms
                        ELSE incident.ends_at_ms END,
      annotations = excluded.annotations
    WHERE (excluded.ends_at_ms IS NOT NULL AND incident.ends_at_ms IS NULL)
       OR excluded.ends_at_ms > incident.ends_at_ms
       OR excluded.annotations <> incident.annotations
"""
# Texts come as lines: JSON has no line end in it, and one text costs less than an array of them.
# PostgreSQL locks, and so writes, each row that conflicts: what is known is left out before that.
_POSTGRES = f"""
    {_INCIDENT}
    SELECT * FROM unnest(
      string_to_array($1, E'\\n'), $2::bigint[], $3::bigint[],
      string_to_array($4, E'\\n'), string_to_array($5, E'\\n')
    ) AS told (fingerprint, starts_at_ms, ends_at_ms, labels, annotations)
    WHERE NOT EXISTS (
      SELECT FROM incident AS known
      WHERE known.fingerprint = told.fingerprint AND known.starts_at_ms = told.starts_at_ms
        AND known.annotations = told.annotations
        AND (told.ends_at_ms IS NULL OR told.ends_at_ms <= known.ends_at_ms)
    )
    {_JOIN}
"""  # noqa: S608 - made of constants of ours


async def join_backlog(database: Database) -> None:
    """Join the windows of all requests that wait by now.

    Raises:
        StoreUnavailable: if the database cannot do it now; what waits goes on waiting.
    """
    waiting = select(func.max(t.webhook_backlog.c.request_id))
    newest = await database.read_in_one_go(lambda c: c.execute(waiting).scalar_one())
    if newest is None:
        return
    older = select(exists().where(t.webhook_backlog.c.request_id <= newest))
    while await database.read_in_one_go(lambda c: c.execute(older).scalar_one()):
        try:
            await database.write_in_one_go(partial(_join, until=newest, most=_MOST))
        except DBAPIError:  # of one of them, which must not keep the others waiting
            await database.write_in_one_go(partial(_join_one, until=newest))


def _join(connection: Connection, *, until: int, most: int) -> None:
    """Join the oldest requests that wait, and take them off the backlog."""
    ids = _oldest(connection, until, most)
    r = t.webhook_request.c
    windows: list[ToldWindow] = []
    query = select(r.id, r.body, r.problem).where(r.id.in_(ids)).order_by(r.id)
    for row in connection.execute(query):
        try:
            windows += read_body(zlib.decompress(row.body)).windows
        except (ValueError, RecursionError, zlib.error) as error:
            if row.problem is None:  # it could be read when it came
                _note_problem(connection, row.id, str(error))
    if windows:
        _write(connection, windows)
    connection.execute(delete(t.webhook_backlog).where(t.webhook_backlog.c.request_id.in_(ids)))


def _join_one(connection: Connection, *, until: int) -> None:
    """Join the oldest request, or set it aside where the database refuses it."""
    try:
        with connection.begin_nested():
            _join(connection, until=until, most=1)
    except DBAPIError as error:
        (oldest,) = _oldest(connection, until, 1)
        _note_problem(connection, oldest, str(error.orig))
        connection.execute(
            delete(t.webhook_backlog).where(t.webhook_backlog.c.request_id == oldest)
        )


def _oldest(connection: Connection, until: int, most: int) -> list[int]:
    """Give the oldest requests that wait; on PostgreSQL, where others join too, locked."""
    b, r = t.webhook_backlog.c, t.webhook_request.c
    query = (
        select(b.request_id, func.length(r.body))
        .join(t.webhook_request, r.id == b.request_id)
        .where(b.request_id <= until)
        .order_by(b.request_id)
        .limit(most)
        .with_for_update(of=t.webhook_backlog)
    )
    rows = connection.execute(query).all()
    sizes = accumulate(size for _, size in rows)
    fitting = sum(size <= _MOST_BYTES for size in sizes)
    return [id_ for id_, _ in rows[: max(1, fitting)]]


def _note_problem(connection: Connection, request: int, said: str) -> None:
    """Keep with a request why its windows could not be joined; the request itself stays."""
    said = f"not joined: {said}"[:500]
    _log.error("the windows of a webhook could not be joined", request=request, error=said)
    r = t.webhook_request.c
    connection.execute(update(t.webhook_request).where(r.id == request).values(problem=said))


def _write(connection: Connection, windows: Sequence[ToldWindow]) -> None:
    if connection.dialect.name == "sqlite":
        for start in range(0, len(windows), _MOST_ROWS):
            rows = _rounded(windows[start : start + _MOST_ROWS])
            connection.exec_driver_sql(values(_INCIDENT, len(rows), _JOIN), flat(rows))
    else:
        # In one order everywhere, so that two replicas never wait for each other.
        statement = as_read_by(connection.dialect.paramstyle, _POSTGRES)
        connection.exec_driver_sql(statement, _columns(joined(windows)))


def _rounded(rows: Sequence[ToldWindow]) -> Sequence[ToldWindow]:
    """Fill up to a number with few digits, so that there are few statements to prepare.

    The last row once more changes nothing.
    """
    step = 1 << max(0, len(rows).bit_length() - 3)
    return [*rows, *[rows[-1]] * (-len(rows) % step)]


def _columns(windows: Sequence[ToldWindow]) -> tuple[str, list[int], list[int | None], str, str]:
    return (
        "\n".join([window.fingerprint for window in windows]),
        [window.starts_at_ms for window in windows],
        [window.ends_at_ms for window in windows],
        "\n".join([window.labels for window in windows]),
        "\n".join([window.annotations for window in windows]),
    )
