"""Lists for the API, page by page: each page begins after the last key of the one before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from sla_exporter.core.audit import Balance, Line
from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.store import rows
from sla_exporter.store import tables as t
from sla_exporter.store.joining import join_backlog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Table

    from sla_exporter.core.settled import Settled
    from sla_exporter.ports.settling import Decision
    from sla_exporter.store.engine import Database


class Listing:
    """Reads lists; filters are values of columns by their names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settlements(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Settled]:
        """Give settlements by key."""
        c = t.settlement.c
        named = {"hold_group" if name == "group" else name: v for name, v in filters.items()}
        found = await self._page(t.settlement, named, c.key > after, (c.key,), limit)
        return [rows.read_settled(row) for row in found]

    async def credits(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Settled]:
        """Give settlements that owe something, by key."""
        c = t.settlement.c
        named = {"hold_group" if name == "group" else name: v for name, v in filters.items()}
        owes = (c.credit_minor != 0) | (c.extension_days != "0") | c.may_terminate.is_(True)
        found = await self._page(t.settlement, named, owes & (c.key > after), (c.key,), limit)
        return [rows.read_settled(row) for row in found]

    async def incidents(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[IncidentWindow]:
        """Give incident windows in the order of their beginnings."""
        c = t.incident.c
        at, _, fingerprint = after.partition("/")
        beyond = tuple_(c.starts_at_ms, c.fingerprint) > tuple_(int(at or 0), fingerprint)
        order = (c.starts_at_ms, c.fingerprint)
        await join_backlog(self._database)
        return [
            IncidentWindow(
                fingerprint=row.fingerprint,
                starts_at_ms=row.starts_at_ms,
                ends_at_ms=row.ends_at_ms,
                labels=json.loads(row.labels),
                annotations=json.loads(row.annotations),
            )
            for row in await self._page(t.incident, filters, beyond, order, limit)
        ]

    async def decisions(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[tuple[int, Decision]]:
        """Give decisions in the order they were made, with their numbers."""
        c = t.decision.c
        named = {"by_whom" if name == "by" else name: value for name, value in filters.items()}
        found = await self._page(t.decision, named, c.id > int(after or 0), (c.id,), limit)
        return [(row.id, rows.read_decision(row)) for row in found]

    async def lines(self, filters: Mapping[str, str], after: str, limit: int) -> Sequence[Line]:
        """Give ledger entries in their order."""
        c = t.ledger_entry.c
        found = await self._page(t.ledger_entry, filters, c.seq > int(after or 0), (c.seq,), limit)
        return [
            Line(
                seq=row.seq,
                entry=rows.read_entry(row),
                previous_hash=row.previous_hash,
                hash=row.hash,
            )
            for row in found
        ]

    async def balances(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Balance]:
        """Give balances by contract and currency."""
        c = t.ledger_balance.c
        contract, _, currency = after.rpartition("/")
        beyond = tuple_(c.contract, c.currency) > tuple_(contract, currency)
        order = (c.contract, c.currency)
        found = await self._page(t.ledger_balance, filters, beyond, order, limit)
        return [Balance(**row._asdict()) for row in found]

    async def _page(
        self,
        table: Table,
        filters: Mapping[str, str],
        beyond: ColumnElement[bool],
        order: Sequence[Any],
        limit: int,
    ) -> Sequence[Any]:
        wanted = [table.c[name] == value for name, value in filters.items()]
        query = select(table).where(beyond, *wanted).order_by(*order).limit(limit)
        async with self._database.read() as connection:
            return (await connection.execute(query)).all()
