"""Reading for people and programs: the ledger, its audit, and the evidence behind a credit."""

from __future__ import annotations

import json
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from sla_exporter.core.audit import Audit, Balance, Line, Owed
from sla_exporter.core.money import Money
from sla_exporter.core.records import CaseRecord
from sla_exporter.core.settlement import State
from sla_exporter.store import tables as t
from sla_exporter.store.rows import read_entry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.core.windows import Window
    from sla_exporter.store.engine import Database

_PAGE = 5_000


class Reader:
    """Answers questions about what was written; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(self) -> AsyncIterator[Line]:
        """Give the ledger from the first entry on, from one snapshot."""
        async with self._database.read() as connection:
            async for line in _lines(connection):
                yield line

    async def balances(self) -> list[Balance]:
        """Give every balance, by customer, contract and currency."""
        async with self._database.read() as connection:
            return await _balances(connection)

    async def audit(self) -> Audit:
        """Check the whole ledger, from one snapshot."""
        audit = Audit()
        async with self._database.read() as connection:
            async for line in _lines(connection):
                audit.read(line)
            audit.compare_balances(await _balances(connection))
            audit.compare_settlements([one async for one in _owed(connection)])
        return audit

    async def entries_of(self, settlement: str) -> list[Line]:
        """Give the entries of a settlement, in the order they were written."""
        c = t.ledger_entry.c
        query = select(t.ledger_entry).where(c.settlement == settlement).order_by(c.seq)
        async with self._database.read() as connection:
            return [_line(row) for row in await connection.execute(query)]

    async def settlement_of(self, name: str) -> str | None:
        """Find the key of a settlement by its own key, an entry's key, or a credit's reference."""
        c = t.ledger_entry.c
        async with self._database.read() as connection:
            own = select(t.settlement.c.key).where(t.settlement.c.key == name)
            found = (await connection.execute(own)).scalar_one_or_none()
            if found is None:
                query = select(c.settlement).where(c.key == name)
                found = (await connection.execute(query)).scalar_one_or_none()
            if found is None and name.startswith("sla-"):
                async for line in _lines(connection):
                    if line.entry.reference == name:
                        return line.entry.settlement
            return found

    async def record(self, settlement: str, revision: int) -> CaseRecord | None:
        """Give what a settlement was computed from, if it was kept."""
        c, p = t.settlement_case.c, t.policy_source.c
        query = (
            select(c.content, c.incidents, c.policy_hash, p.name, p.source)
            .join(t.policy_source, p.hash == c.policy_hash)
            .where(c.settlement == settlement, c.revision == revision)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return row and CaseRecord(
            policy=row.name,
            policy_hash=row.policy_hash,
            policy_source=json.loads(row.source),
            case=json.loads(row.content),
            incidents=tuple(json.loads(row.incidents)),
        )

    async def requests(self, span: Window, fingerprints: Sequence[str]) -> list[dict[str, Any]]:
        """Give the webhook requests of a time that speak of these alerts, as they came."""
        c = t.webhook_request.c
        query = (
            select(t.webhook_request)
            .where(c.received_at_ms >= span.start_ms, c.received_at_ms < span.end_ms)
            .order_by(c.id)
        )
        wanted = [fingerprint.encode() for fingerprint in fingerprints]
        found: list[dict[str, Any]] = []
        async with self._database.read() as connection:
            for row in await connection.execute(query):
                body = zlib.decompress(row.body)
                if any(one in body for one in wanted):
                    found.append(
                        {
                            "received_at_ms": row.received_at_ms,
                            "sender": row.sender,
                            "body": body.decode("utf-8", "replace"),
                        }
                    )
        return found


async def _lines(connection: AsyncConnection) -> AsyncIterator[Line]:
    c = t.ledger_entry.c
    last = 0
    while True:
        query = select(t.ledger_entry).where(c.seq > last).order_by(c.seq).limit(_PAGE)
        page = (await connection.execute(query)).all()
        for row in page:
            yield _line(row)
        if len(page) < _PAGE:
            return
        last = page[-1].seq


async def _balances(connection: AsyncConnection) -> list[Balance]:
    c = t.ledger_balance.c
    query = select(t.ledger_balance).order_by(c.customer, c.contract, c.currency)
    return [Balance(**row._asdict()) for row in await connection.execute(query)]


async def _owed(connection: AsyncConnection) -> AsyncIterator[Owed]:
    c = t.settlement.c
    query = select(
        c.key, c.customer, c.contract, c.state, c.revision, c.credit_minor, c.currency,
        c.kept_minor, c.extension_days, c.may_terminate,
    )  # fmt: skip
    last = ""
    while True:
        page = query.where(c.key > last).order_by(c.key).limit(_PAGE)
        rows = (await connection.execute(page)).all()
        for row in rows:
            yield Owed(
                key=row.key,
                customer=row.customer,
                contract=row.contract,
                state=State(row.state),
                revision=row.revision,
                credit=Money(minor=row.credit_minor, currency=row.currency),
                kept_minor=row.kept_minor,
                extension_days=Fraction(row.extension_days),
                may_terminate=row.may_terminate,
            )
        if len(rows) < _PAGE:
            return
        last = rows[-1].key


def _line(row: Any) -> Line:
    return Line(seq=row.seq, entry=read_entry(row), previous_hash=row.previous_hash, hash=row.hash)
