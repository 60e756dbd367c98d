"""Writing what webhooks told: the requests as they came, and the windows of their alerts.

Written by hand, as this is what every alert waits for. Each database is given a transaction in one
go, with all rows in a statement: a row that is prepared here by itself, or an answer that is waited
for in between, costs more than storing it there. What was tried stands in docs/operations.md.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.incidents import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from sla_exporter.core.incidents import ToldWindow
    from sla_exporter.ports.incidents import RawRequest
    from sla_exporter.store.engine import Database

_MOST_ROWS = 1024  # SQLite takes 32,766 values in one statement

_REQUEST = "INSERT INTO webhook_request (received_at_ms, sender, body, truncated, problem)"
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
    WITH kept AS (
      {_REQUEST}
      SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::int[], $5::text[])
    )
    {_INCIDENT}
    SELECT * FROM unnest(
      string_to_array($6, E'\\n'), $7::bigint[], $8::bigint[],
      string_to_array($9, E'\\n'), string_to_array($10, E'\\n')
    ) AS told (fingerprint, starts_at_ms, ends_at_ms, labels, annotations)
    WHERE NOT EXISTS (
      SELECT FROM incident AS known
      WHERE known.fingerprint = told.fingerprint AND known.starts_at_ms = told.starts_at_ms
        AND known.annotations = told.annotations
        AND (told.ends_at_ms IS NULL OR told.ends_at_ms <= known.ends_at_ms)
    )
    {_JOIN}
"""  # noqa: S608 - made of constants of ours

_PSYCOPG = re.sub(r"\$\d+", "%s", _POSTGRES)  # each stands in it once, in order


class Told(NamedTuple):
    """A request and its windows; the body is deflated."""

    request: tuple[int, str, bytes, int, str | None]
    windows: Sequence[ToldWindow]


def told(request: RawRequest, windows: Sequence[ToldWindow]) -> Told:
    """Make the row of a request, before it waits for others."""
    body = zlib.compress(request.body, 1)
    row = (request.received_at_ms, request.sender, body, request.truncated, request.problem)
    return Told(row, windows)


async def write(database: Database, waiting: Sequence[Told]) -> Sequence[None]:
    """Keep the requests and join their windows with what is known, in one transaction."""
    requests = [one.request for one in waiting]
    windows = [window for one in waiting for window in one.windows]
    if database.is_sqlite:
        await database.write_in_one_go(lambda connection: _write(connection, requests, windows))
    else:
        # In one order everywhere, so that two replicas never wait for each other.
        rows = (*map(list, zip(*requests, strict=True)), *_columns(joined(windows)))
        async with database.write_at_once() as connection:
            numbered = connection.dialect.paramstyle == "numeric_dollar"
            await connection.exec_driver_sql(_POSTGRES if numbered else _PSYCOPG, rows)
    return [None] * len(waiting)


def _columns(windows: Sequence[ToldWindow]) -> tuple[str, list[int], list[int | None], str, str]:
    return (
        "\n".join([window.fingerprint for window in windows]),
        [window.starts_at_ms for window in windows],
        [window.ends_at_ms for window in windows],
        "\n".join([window.labels for window in windows]),
        "\n".join([window.annotations for window in windows]),
    )


def _write(
    connection: Connection,
    requests: Sequence[tuple[object, ...]],
    windows: Sequence[ToldWindow],
) -> None:
    connection.exec_driver_sql(_values(_REQUEST, len(requests)), _flat(requests))
    for start in range(0, len(windows), _MOST_ROWS):
        rows = _rounded(windows[start : start + _MOST_ROWS])
        connection.exec_driver_sql(_values(_INCIDENT, len(rows), _JOIN), _flat(rows))


def _rounded(rows: Sequence[ToldWindow]) -> Sequence[ToldWindow]:
    """Fill up to a number with few digits, so that there are few statements to prepare.

    The last row once more changes nothing.
    """
    step = 1 << max(0, len(rows).bit_length() - 3)
    return [*rows, *[rows[-1]] * (-len(rows) % step)]


@lru_cache(128)
def _values(into: str, rows: int, rest: str = "") -> str:
    """Write a statement that takes many rows."""
    return f"{into} VALUES {', '.join(['(?, ?, ?, ?, ?)'] * rows)} {rest}"


def _flat(rows: Iterable[tuple[object, ...]]) -> tuple[object, ...]:
    return tuple(chain.from_iterable(rows))
