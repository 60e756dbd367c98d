"""Incident windows in the database, with the raw requests that told of them."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from sqlalchemy import case, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from sla_exporter.core.incidents import IncidentWindow, bounded, joined
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.core.windows import Window
    from sla_exporter.ports import RawRequest
    from sla_exporter.store.engine import Database


class Incidents:
    """The incident store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, request: RawRequest, windows: Sequence[IncidentWindow]) -> None:
        """Keep the request and join the windows with what is known."""
        async with self._database.write() as connection:
            await connection.execute(
                insert(t.webhook_request).values(
                    received_at_ms=request.received_at_ms,
                    sender=request.sender,
                    body=zlib.compress(request.body, 1),
                    truncated=request.truncated,
                    problem=request.problem,
                )
            )
            # One statement may name a key only once on PostgreSQL; joined() sees to that.
            unique = joined(windows)
            for part in in_parts(unique):
                await _upsert(connection, part)

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


async def _upsert(connection: AsyncConnection, windows: Sequence[IncidentWindow]) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(t.incident).values(
        [
            {
                "fingerprint": window.fingerprint,
                "starts_at_ms": window.starts_at_ms,
                "ends_at_ms": window.ends_at_ms,
                "labels": json.dumps(dict(window.labels), ensure_ascii=False),
                "annotations": json.dumps(dict(window.annotations), ensure_ascii=False),
            }
            for window in windows
        ]
    )
    new = statement.excluded.ends_at_ms
    old = t.incident.c.ends_at_ms
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["fingerprint", "starts_at_ms"],
            set_={
                # The same rule as core.incidents.latest_end: a known end stays, the later one wins.
                "ends_at_ms": case((old.is_(None), new), (new > old, new), else_=old),
                "annotations": statement.excluded.annotations,
            },
        )
    )
