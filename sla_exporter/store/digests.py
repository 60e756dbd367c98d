"""Notices that wait for others of the same reader, and the digests that take their place."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from sla_exporter.ports.notices import Waiting
from sla_exporter.store import rows
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.ports.notices import Gathered
    from sla_exporter.ports.settling import Notice
    from sla_exporter.store.engine import Database


class Digests:
    """The digest store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, kinds: Collection[str], until_ms: int, now_ms: int) -> list[Waiting]:
        """Give what waits, by reader, where the oldest was ordered until then."""
        order, notice = t.outbox.c, t.notice.c
        query = (
            select(order.key, order.sink, order.state, order.about, order.created_at_ms)
            .add_columns(notice.customer, notice.locale, notice.recipients)
            .join(t.notice, notice.key == order.about)
            .where(_waits(now_ms), notice.kind.in_(kinds), notice.facts != "{}")
            .order_by(order.key)
        )
        readers: dict[tuple[str, ...], list[Any]] = defaultdict(list)
        async with self._database.read() as connection:
            for row in await connection.execute(query):
                readers[row.sink, row.customer, row.locale, row.recipients].append(row)
        return [
            Waiting(
                sink=found[0].sink,
                notices=tuple(row.about for row in found),
                orders=tuple(row.key for row in found),
                is_held=any(row.state == "held" for row in found),
            )
            for found in readers.values()
            if min(row.created_at_ms for row in found) <= until_ms
        ]

    async def notices(self, keys: Sequence[str]) -> list[Notice]:
        """Give notices by their keys, in the order of the keys."""
        found: dict[str, Notice] = {}
        async with self._database.read() as connection:
            for part in in_parts(keys):
                query = select(t.notice).where(t.notice.c.key.in_(part))
                for row in await connection.execute(query):
                    found[row.key] = rows.read_notice(row)
        return [found[key] for key in keys]

    async def gather(self, gathered: Sequence[Gathered], now_ms: int) -> int:
        """Put digests in the place of orders that all still wait."""
        async with self._database.write() as connection:
            wanted = [key for one in gathered for key in one.orders]
            still = await _locked(connection, wanted, now_ms)
            whole = [one for one in gathered if still.issuperset(one.orders)]
            if whole:
                await _replace(connection, whole, now_ms)
            return len(whole)

    async def let_go(self, orders: Sequence[str], now_ms: int) -> None:
        """Make orders due that wait in vain."""
        c = t.outbox.c
        async with self._database.write() as connection:
            for part in in_parts(orders):
                due = update(t.outbox).where(c.key.in_(part), c.due_at_ms > now_ms)
                await connection.execute(due.values(due_at_ms=now_ms))


def _waits(now_ms: int) -> ColumnElement[bool]:
    """Say whether an order has its time still to come, or is held, and was never tried."""
    c = t.outbox.c
    not_yet = (c.state == "pending") & (c.due_at_ms > now_ms)
    return (not_yet | (c.state == "held")) & (c.kind == "notice") & (c.attempts == 0)


async def _locked(connection: AsyncConnection, keys: Sequence[str], now_ms: int) -> set[str]:
    """Give those of the orders that wait, and keep everybody else from them until we are done."""
    found: set[str] = set()
    for part in in_parts(keys):
        query = select(t.outbox.c.key).where(t.outbox.c.key.in_(part), _waits(now_ms))
        found.update((await connection.execute(query.with_for_update())).scalars())
    return found


async def _replace(connection: AsyncConnection, gathered: Sequence[Gathered], now_ms: int) -> None:
    orders = [rows.order_row(one.order, now_ms) for one in gathered]
    notices = [rows.notice_row(None, one.digest, now_ms) for one in gathered]
    await connection.execute(insert(t.notice), notices)
    await connection.execute(insert(t.outbox), orders)
    done = update(t.outbox).where(t.outbox.c.key == bindparam("gathered"))
    await connection.execute(
        done.values(state="gathered", reference=bindparam("digest"), lease_until_ms=0),
        [{"gathered": key, "digest": one.digest.key} for one in gathered for key in one.orders],
    )
