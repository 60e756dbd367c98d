"""What billing systems were given, and where they disagree with the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from sla_exporter.core.ledger import EntryKind, reference_of
from sla_exporter.ports.delivery import Issued
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts
from sla_exporter.store.outbox import CREDIT, entries
from sla_exporter.store.upserts import put

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sla_exporter.ports.delivery import Difference
    from sla_exporter.store.engine import Database


class DatabaseBillingChecks:
    """Billing checks on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issued(self, sink: str) -> list[Issued]:
        """Give every credit that was delivered to the sink."""
        c = t.outbox.c
        query = select(c.about, c.account).where(
            c.sink == sink, c.kind == CREDIT, c.state == "delivered"
        )
        async with self._database.read() as connection:
            accounts = {row.about: row.account for row in await connection.execute(query)}
            found = {}
            for part in in_parts(list(accounts)):
                found.update(await entries(connection, part))
            e = t.ledger_entry.c
            undone = select(e.about).where(e.kind == EntryKind.REVERSAL)
            gone = set((await connection.execute(undone)).scalars())
        return [
            Issued(entry=found[key], account=accounts[key] or "", is_reversed=key in gone)
            for key in sorted(found)
        ]

    async def known(self) -> set[str]:
        """Give the references of all entries of the ledger."""
        async with self._database.read() as connection:
            keys = await connection.execute(select(t.ledger_entry.c.key))
            return {reference_of(key) for key in keys.scalars()}

    async def checked_ms(self) -> dict[str, int]:
        """Say when each sink was last read back."""
        query = select(t.billing_check.c.sink, t.billing_check.c.checked_at_ms)
        async with self._database.read() as connection:
            return {sink: int(at_ms) for sink, at_ms in await connection.execute(query)}

    async def forget_others(self, sinks: Collection[str]) -> None:
        """Forget what is known of sinks that are not among these."""
        async with self._database.write() as connection:
            for table in (t.billing_check, t.billing_difference):
                await connection.execute(delete(table).where(table.c.sink.not_in(sinks)))

    async def record(self, sink: str, differences: Sequence[Difference], now_ms: int) -> None:
        """Replace what is known to differ in the sink."""
        rows = [
            {
                "sink": one.sink,
                "kind": one.kind,
                "account": one.account,
                "reference": one.reference,
                "sentence": one.sentence,
            }
            for one in differences
        ]
        difference = t.billing_difference
        async with self._database.write() as connection:
            checked = {"sink": sink, "checked_at_ms": now_ms}
            await connection.execute(put(connection, t.billing_check, checked))
            await connection.execute(delete(difference).where(difference.c.sink == sink))
            if rows:
                await connection.execute(insert(difference), rows)
