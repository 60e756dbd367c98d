"""The outbox: orders are claimed by compare-and-set with a lease, so any number may deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from sla_exporter.ports.delivery import Claimed
from sla_exporter.ports.settling import Order
from sla_exporter.store import tables as t
from sla_exporter.store.pace import due_keys
from sla_exporter.store.rows import read_entry, read_notice
from sla_exporter.store.together import Together, in_transaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Update
    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.ports.notices import Pace
    from sla_exporter.store.engine import Database

CREDIT, NOTICE = "credit", "notice"


class DatabaseOutbox:
    """The outbox on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._together = Together(in_transaction(database, _changed))

    async def claim(
        self,
        owner: str,
        now_ms: int,
        lease_ms: int,
        most: int,
        paces: Mapping[str, Pace] | None = None,
    ) -> Sequence[Claimed]:
        """Take orders that are due and that nobody else holds."""
        async with self._database.write() as connection:
            keys = await due_keys(connection, now_ms, most, paces or {})
            if not keys:
                return []
            c = t.outbox.c
            claimed = await connection.execute(
                update(t.outbox)
                .where(c.key.in_(keys), c.lease_until_ms <= now_ms)
                .values(owner=owner, lease_until_ms=now_ms + lease_ms)
                .returning(c.key, c.sink, c.kind, c.about, c.attempts, c.sent_at_ms, c.account)
            )
            rows = claimed.all()
            about = {kind: [row.about for row in rows if row.kind == kind] for kind in _READERS}
            found = {k: await _READERS[k](connection, names) for k, names in about.items() if names}
        return [
            Claimed(
                order=Order(key=row.key, sink=row.sink, kind=row.kind, about=row.about),
                attempts=row.attempts,
                sent_at_ms=row.sent_at_ms,
                account=row.account,
                **{_FIELDS[row.kind]: found[row.kind][row.about]},
            )
            for row in sorted(rows, key=lambda row: row.key)
        ]

    async def sending(self, key: str, owner: str, account: str, now_ms: int, lease_ms: int) -> bool:
        """Note that the credit is being entered, unless another has the order by now."""
        c = t.outbox.c
        statement = (
            update(t.outbox)
            .where(c.key == key, c.owner == owner, c.lease_until_ms > now_ms)
            .values(account=account, sent_at_ms=now_ms, lease_until_ms=now_ms + lease_ms)
        )
        return bool(await self._together.write(statement))

    async def delivered(
        self, key: str, owner: str, reference: str, now_ms: int, account: str | None = None
    ) -> None:
        """Record that the sink took the order."""
        await self._settle(
            key,
            owner,
            state="delivered",
            reference=reference,
            delivered_at_ms=now_ms,
            account=account,
            error=None,
            sent_at_ms=None,
        )

    async def failed(
        self,
        key: str,
        owner: str,
        error: str,
        retry_at_ms: int | None,
        *,
        not_entered: bool = False,
        counts: bool = True,
    ) -> None:
        """Record a failure: to be tried again, or parked for a person."""
        values: dict[str, Any] = {"error": error}
        if retry_at_ms is None:
            values["state"] = "parked"
        else:
            values["due_at_ms"] = retry_at_ms
        if not_entered:
            values |= {"sent_at_ms": None, "account": None}
        await self._settle(key, owner, counts=counts, **values)

    async def _settle(self, key: str, owner: str, *, counts: bool = True, **values: Any) -> None:
        statement = (
            update(t.outbox)
            .where(t.outbox.c.key == key, t.outbox.c.owner == owner)
            .values(owner=None, lease_until_ms=0, **values)
        )
        if counts:
            statement = statement.values(attempts=t.outbox.c.attempts + 1)
        await self._together.write(statement)


async def _changed(connection: AsyncConnection, statements: Sequence[Update]) -> Sequence[int]:
    """Say how many rows each statement changed."""
    return [(await connection.execute(statement)).rowcount for statement in statements]


async def _notices(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Any]:
    query = select(t.notice).where(t.notice.c.key.in_(keys))
    return {row.key: read_notice(row) for row in await connection.execute(query)}


async def entries(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Any]:
    """Read ledger entries by key."""
    query = select(t.ledger_entry).where(t.ledger_entry.c.key.in_(keys))
    return {row.key: read_entry(row) for row in await connection.execute(query)}


_READERS = {CREDIT: entries, NOTICE: _notices}
_FIELDS = {CREDIT: "entry", NOTICE: "notice"}
