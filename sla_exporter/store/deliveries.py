"""Deliveries as people see them: what waits, what was given up and why, and trying again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from sla_exporter.core.records import ERASED
from sla_exporter.ports.delivery import Delivery
from sla_exporter.store import tables as t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from sla_exporter.store.engine import Database

STATES = ("pending", "held", "parked", "gathered", "delivered")


class Deliveries:
    """The outbox, read and mended by people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, states: Sequence[str], sink: str | None = None) -> list[Delivery]:
        """Give the orders in these states, the oldest first."""
        c, settlement = t.outbox.c, t.settlement.c
        query = (
            select(
                t.outbox, func.coalesce(t.notice.c.customer, settlement.customer).label("customer")
            )
            .outerjoin(t.ledger_entry, t.ledger_entry.c.key == c.about)
            .outerjoin(t.notice, t.notice.c.key == c.about)
            .outerjoin(
                t.settlement,
                (settlement.key == t.ledger_entry.c.settlement)
                | (settlement.key == t.notice.c.settlement),
            )
            .where(c.state.in_(states), *_of(sink))
            .order_by(c.created_at_ms, c.key)
        )
        async with self._database.read() as connection:
            return [_delivery(row) for row in await connection.execute(query)]

    async def retry(self, keys: Sequence[str] | None, sink: str | None, now_ms: int) -> list[str]:
        """Make orders due now and count their tries anew; ``None`` for everything that is parked.

        Whether a credit stands in the billing system already is looked at before it is sent. What
        was erased stays withdrawn.
        """
        c = t.outbox.c
        ended = ("delivered", "gathered", "held")
        which = c.state == "parked" if keys is None else c.key.in_(keys) & c.state.not_in(ended)
        erased = select(t.notice.c.key).where(t.notice.c.text == ERASED)
        statement = (
            update(t.outbox)
            .where(which, c.about.not_in(erased), c.lease_until_ms <= now_ms, *_of(sink))
            .values(state="pending", due_at_ms=now_ms, attempts=0)
            .returning(c.key)
        )
        async with self._database.write() as connection:
            return sorted((await connection.execute(statement)).scalars())


def _of(sink: str | None) -> list[ColumnElement[bool]]:
    return [t.outbox.c.sink == sink] if sink else []


def _delivery(row: Any) -> Delivery:
    return Delivery(
        key=row.key,
        sink=row.sink,
        kind=row.kind,
        customer=row.customer or "",
        state=row.state,
        attempts=row.attempts,
        due_at_ms=row.due_at_ms,
        error=row.error,
        reference=row.reference,
        account=row.account,
        outcome_unknown=row.sent_at_ms is not None,
    )
