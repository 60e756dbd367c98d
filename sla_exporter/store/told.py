"""What customers were told of outages while they happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, update

from sla_exporter.core.windows import Window
from sla_exporter.ports.notices import ToldOutage
from sla_exporter.store import rows
from sla_exporter.store import tables as t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.ports.notices import Telling
    from sla_exporter.store.engine import Database


class DatabaseToldOutages:
    """What was told, on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, since_ms: int) -> list[ToldOutage]:
        """Give what was told of outages that were seen to last until then, or longer."""
        query = select(t.told_outage).where(t.told_outage.c.seen_until_ms >= since_ms)
        async with self._database.read() as connection:
            return [
                ToldOutage(
                    contract=row.contract,
                    customer=row.customer,
                    window=Window(row.start_ms, row.seen_until_ms),
                    told_at_ms=row.told_at_ms,
                )
                for row in await connection.execute(query)
            ]

    async def tell(
        self, tellings: Sequence[Telling], longer: Sequence[ToldOutage], now_ms: int
    ) -> None:
        """Write all of it at once; an outage that was told already is refused by its key."""
        told = [
            {
                "contract": outage.contract,
                "start_ms": outage.window.start_ms,
                "seen_until_ms": outage.window.end_ms,
                "customer": outage.customer,
                "notice": one.notice.key,
                "told_at_ms": now_ms,
            }
            for one in tellings
            for outage in one.outages
        ]
        async with self._database.write() as connection:
            if tellings:
                notices = [rows.notice_row(None, one.notice, now_ms) for one in tellings]
                orders = [rows.order_row(one.order, now_ms) for one in tellings]
                await connection.execute(insert(t.told_outage), told)
                await connection.execute(insert(t.notice), notices)
                await connection.execute(insert(t.outbox), orders)
            if longer:
                c = t.told_outage.c
                same = (c.contract == bindparam("of")) & (c.start_ms == bindparam("began"))
                lasts = update(t.told_outage).where(same).values(seen_until_ms=bindparam("until"))
                await connection.execute(
                    lasts,
                    [
                        {"of": o.contract, "began": o.window.start_ms, "until": o.window.end_ms}
                        for o in longer
                    ],
                )
