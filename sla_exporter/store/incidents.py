"""Incident windows in the database, with the raw requests that told of them."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import insert, or_, select, text

from sla_exporter.core.incidents import IncidentWindow, bounded, joined
from sla_exporter.store import tables as t
from sla_exporter.store.together import Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.core.windows import Window
    from sla_exporter.ports import RawRequest
    from sla_exporter.store.engine import Database

    _Told = tuple[RawRequest, Sequence[IncidentWindow]]

# The same rule as core.incidents.latest_end: a known end stays, and the later one wins. Written by
# hand, with all rows in one value, because preparing thousands of rows here costs more than storing
# them there.
_JOIN = """
    ON CONFLICT (fingerprint, starts_at_ms) DO UPDATE SET
      ends_at_ms = CASE WHEN incident.ends_at_ms IS NULL THEN excluded.ends_at_ms
                        WHEN excluded.ends_at_ms > incident.ends_at_ms THEN excluded.ends_at_ms
                        ELSE incident.ends_at_ms END,
      annotations = excluded.annotations
"""
_INTO = "INSERT INTO incident (fingerprint, starts_at_ms, ends_at_ms, labels, annotations)"
_UPSERT = {
    "sqlite": text(
        _INTO  # noqa: S608 - joined of constants of ours
        + """
        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
               json_extract(value, '$[2]'), json_extract(value, '$[3]'),
               json_extract(value, '$[4]')
        FROM json_each(:rows) WHERE true
        """
        + _JOIN
    ),
    "postgresql": text(
        _INTO  # noqa: S608 - joined of constants of ours
        + """
        SELECT value ->> 0, CAST(value ->> 1 AS bigint), CAST(value ->> 2 AS bigint),
               value ->> 3, value ->> 4
        FROM json_array_elements(CAST(:rows AS json))
        """
        + _JOIN
    ),
}

_encode = msgspec.json.Encoder().encode


class Incidents:
    """The incident store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._together = Together(database, _write)

    async def record(self, request: RawRequest, windows: Sequence[IncidentWindow]) -> None:
        """Keep the request and join the windows with what is known; done means committed."""
        await self._together.write((request, windows))

    async def overlapping(self, span: Window) -> Sequence[IncidentWindow]:
        """Give every window that touches the span."""
        # A later firing bounds an open one, so it must be read with it, wherever it lies.
        still_open = select(t.incident.c.fingerprint).where(t.incident.c.ends_at_ms.is_(None))
        query = select(
            t.incident.c.fingerprint,
            t.incident.c.starts_at_ms,
            t.incident.c.ends_at_ms,
            t.incident.c.labels,
            t.incident.c.annotations,
        ).where(
            or_(
                t.incident.c.fingerprint.in_(still_open),
                (t.incident.c.starts_at_ms < span.end_ms)
                & (t.incident.c.ends_at_ms > span.start_ms),
            )
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        windows = bounded(
            IncidentWindow(
                fingerprint=fingerprint,
                starts_at_ms=starts_at_ms,
                ends_at_ms=ends_at_ms,
                labels=json.loads(labels),
                annotations=json.loads(annotations),
            )
            for fingerprint, starts_at_ms, ends_at_ms, labels, annotations in rows
        )
        return [
            incident
            for incident in windows
            if incident.window.start_ms < span.end_ms and incident.window.end_ms > span.start_ms
        ]


async def _write(connection: AsyncConnection, told: Sequence[_Told]) -> Sequence[None]:
    # In one order everywhere, so that two replicas never wait for each other.
    windows = sorted(joined(window for _, said in told for window in said), key=_key)
    rows = [_request_row(request) for request, _ in told]
    await connection.execute(insert(t.webhook_request), rows)
    if windows:
        await _upsert(connection, windows)
    return [None] * len(told)


async def _upsert(connection: AsyncConnection, windows: Sequence[IncidentWindow]) -> None:
    rows = _encode([_row(window) for window in windows]).decode()
    await connection.execute(_UPSERT[connection.dialect.name], {"rows": rows})


def _key(window: IncidentWindow) -> tuple[str, int]:
    return window.fingerprint, window.starts_at_ms


def _row(window: IncidentWindow) -> tuple[str, int, int | None, str, str]:
    """Give the columns in their order."""
    return (
        window.fingerprint,
        window.starts_at_ms,
        window.ends_at_ms,
        _encode(window.labels).decode(),
        _encode(window.annotations).decode(),
    )


def _request_row(request: RawRequest) -> dict[str, object]:
    return {
        "received_at_ms": request.received_at_ms,
        "sender": request.sender,
        "body": zlib.compress(request.body, 1),
        "truncated": request.truncated,
        "problem": request.problem,
    }
