"""Notices as people see them before they go: listed, held, released, and stopped altogether."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from sla_exporter.core.records import ERASED
from sla_exporter.store import tables as t
from sla_exporter.store.pace import STOPPED
from sla_exporter.store.upserts import add

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, ScalarSelect, Update

    from sla_exporter.store.engine import Database

WAITING = ("pending", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedNotice:
    """A notice, and how its delivery stands."""

    key: str
    kind: str
    customer: str
    locale: str
    subject: str
    sink: str
    state: str
    due_at_ms: int
    created_at_ms: int
    attempts: int
    error: str | None
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Who stopped the sending of notices, why and when."""

    who: str
    why: str
    at_ms: int


class Mailroom:
    """The notices in the outbox, read and moved by people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(
        self, states: Sequence[str], customer: str | None = None
    ) -> list[ListedNotice]:
        """Give the notices in these states, the oldest first."""
        order, notice = t.outbox.c, t.notice.c
        query = (
            select(
                notice.key, notice.kind, notice.customer, notice.locale, notice.subject,
                order.sink, order.state, order.due_at_ms, order.created_at_ms,
                order.attempts, order.error, order.reference,
            )
            .join(t.notice, notice.key == order.about)
            .where(order.kind == "notice", order.state.in_(states))
            .order_by(order.created_at_ms, order.key)
        )  # fmt: skip
        if customer is not None:
            query = query.where(notice.customer == customer)
        async with self._database.read() as connection:
            return [ListedNotice(**row) for row in (await connection.execute(query)).mappings()]

    async def hold(self, keys: Sequence[str] | None, now_ms: int) -> list[str]:
        """Keep notices back that nobody is sending right now; ``None`` for all that wait."""
        return await self._move(keys, "pending", "held", t.outbox.c.lease_until_ms <= now_ms)

    async def release(self, keys: Sequence[str] | None) -> list[str]:
        """Let notices go that are held; what was erased stays withdrawn."""
        erased = select(t.notice.c.key).where(t.notice.c.text == ERASED)
        return await self._move(keys, "held", "pending", t.outbox.c.about.not_in(erased))

    async def _move(
        self, keys: Sequence[str] | None, before: str, after: str, which: ColumnElement[bool]
    ) -> list[str]:
        c = t.outbox.c
        statement: Update = update(t.outbox).where(c.kind == "notice", c.state == before, which)
        if keys is not None:
            statement = statement.where(c.about.in_(keys))
        async with self._database.write() as connection:
            moved = await connection.execute(statement.values(state=after).returning(c.about))
            return sorted(moved.scalars())

    async def stop(self, who: str, why: str, now_ms: int) -> None:
        """Send no notice any more, whichever replica would; the first who said so stays named."""
        row = {"name": STOPPED, "who": who, "why": why, "stopped_at_ms": now_ms}
        async with self._database.write() as connection:
            await add(connection, t.notice_stop, [row])

    async def resume(self) -> bool:
        """Send notices again, and say whether that was stopped."""
        async with self._database.write() as connection:
            gone = await connection.execute(delete(t.notice_stop))
            return bool(gone.rowcount)

    async def stopped(self) -> Stop | None:
        """Say who stopped the sending, if somebody did."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(t.notice_stop))).one_or_none()
        return Stop(who=row.who, why=row.why, at_ms=row.stopped_at_ms) if row else None

    async def staged(self) -> dict[str, tuple[int, int]]:
        """Say by sink until when notices wait after the first few went, and how many do."""
        batch = t.notice_batch.c
        query = select(batch.sink, batch.goes_on_at_ms, count_staged())
        async with self._database.read() as connection:
            found = await connection.execute(query)
            return {sink: (int(until), int(count)) for sink, until, count in found if count}


def count_staged() -> ScalarSelect[int]:
    """Count the notices that were due when their sink was last looked at, and had to wait."""
    batch, order = t.notice_batch.c, t.outbox.c
    due = (order.kind == "notice") & (order.state == "pending")
    return (
        select(func.count())
        .where(order.sink == batch.sink, due, order.due_at_ms <= batch.seen_at_ms)
        .where(batch.seen_at_ms < batch.goes_on_at_ms)
        .scalar_subquery()
    )
