"""The outbox: orders are claimed by compare-and-set with a lease, so any number may deliver."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from sla_exporter.ports import Claimed, Notice, Order
from sla_exporter.store import tables as t
from sla_exporter.store.rows import read_entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.store.engine import Database

CREDIT, NOTICE = "credit", "notice"


class DatabaseOutbox:
    """The outbox on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, owner: str, now_ms: int, lease_ms: int, most: int) -> Sequence[Claimed]:
        """Take orders that are due and that nobody else holds."""
        due = (
            select(t.outbox.c.key)
            .where(t.outbox.c.state == "pending", t.outbox.c.due_at_ms <= now_ms)
            .where(t.outbox.c.lease_until_ms <= now_ms)
            .order_by(t.outbox.c.due_at_ms, t.outbox.c.key)
            .limit(most)
        )
        async with self._database.write() as connection:
            if connection.dialect.name == "postgresql":
                due = due.with_for_update(skip_locked=True)
            keys = list((await connection.execute(due)).scalars())
            if not keys:
                return []
            claimed = await connection.execute(
                update(t.outbox)
                .where(t.outbox.c.key.in_(keys), t.outbox.c.lease_until_ms <= now_ms)
                .values(owner=owner, lease_until_ms=now_ms + lease_ms)
                .returning(
                    t.outbox.c.key,
                    t.outbox.c.sink,
                    t.outbox.c.kind,
                    t.outbox.c.about,
                    t.outbox.c.attempts,
                )
            )
            rows = claimed.all()
            about = {kind: [row.about for row in rows if row.kind == kind] for kind in _READERS}
            found = {k: await _READERS[k](connection, names) for k, names in about.items() if names}
        return [
            Claimed(
                order=Order(key=row.key, sink=row.sink, kind=row.kind, about=row.about),
                attempts=row.attempts,
                **{_FIELDS[row.kind]: found[row.kind][row.about]},
            )
            for row in sorted(rows, key=lambda row: row.key)
        ]

    async def delivered(self, key: str, owner: str, reference: str, now_ms: int) -> None:
        """Record that the sink took the order."""
        await self._settle(
            key, owner, state="delivered", reference=reference, delivered_at_ms=now_ms, error=None
        )

    async def failed(self, key: str, owner: str, error: str, retry_at_ms: int | None) -> None:
        """Record a failure: to be tried again, or parked for a person."""
        if retry_at_ms is None:
            await self._settle(key, owner, state="parked", error=error)
        else:
            await self._settle(key, owner, due_at_ms=retry_at_ms, error=error)

    async def _settle(self, key: str, owner: str, **values: object) -> None:
        statement = (
            update(t.outbox)
            .where(t.outbox.c.key == key, t.outbox.c.owner == owner)
            .values(owner=None, lease_until_ms=0, attempts=t.outbox.c.attempts + 1, **values)
        )
        async with self._database.write() as connection:
            await connection.execute(statement)


async def _notices(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Any]:
    query = select(t.notice).where(t.notice.c.key.in_(keys))
    return {
        row.key: Notice(
            key=row.key,
            kind=row.kind,
            locale=row.locale,
            recipients=tuple(json.loads(row.recipients)),
            subject=row.subject,
            text=row.text,
            html=row.html,
            pictures={k: base64.b64decode(v) for k, v in json.loads(row.pictures).items()},
        )
        for row in await connection.execute(query)
    }


async def _entries(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Any]:
    query = select(t.ledger_entry).where(t.ledger_entry.c.key.in_(keys))
    return {row.key: read_entry(row) for row in await connection.execute(query)}


_READERS = {CREDIT: _entries, NOTICE: _notices}
_FIELDS = {CREDIT: "entry", NOTICE: "notice"}
