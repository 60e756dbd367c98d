"""Figures for ``/metrics``: sums over the tables, so that a restart resets no counter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select

from sla_exporter.core.ledger import EntryKind
from sla_exporter.core.settlement import Hold, State, Verdict
from sla_exporter.ports.figures import Figures, Standing
from sla_exporter.store import tables as t
from sla_exporter.store.mailroom import count_staged
from sla_exporter.store.pace import is_stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.store.engine import Database


class DatabaseFigures:
    """The figure store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standings: tuple[str | None, Sequence[Standing]] = None, ()

    async def figures(self) -> Figures:
        """Give all figures from one snapshot."""
        async with self._database.read() as connection:
            return Figures(
                issued=await _moved(connection, EntryKind.GRANT),
                reversed=await _moved(connection, EntryKind.REVERSAL),
                carried=await _carried(connection),
                held=await _held(connection),
                breaches=await _breaches(connection),
                unpaid_breaches=await _unpaid_breaches(connection),
                pending=await _orders(connection, "pending"),
                parked=await _orders(connection, "parked"),
                observed_until_ms=await _observed(connection),
                open_incidents=await _open_incidents(connection),
                standings=await self._standings_now(connection),
                billing_differences=await _differences(connection),
                billing_checked_ms=await _checked(connection),
                notices_held=await _held_notices(connection),
                notices_stopped=await is_stopped(connection),
                notices_staged=await _staged(connection),
                claims=await _claims(connection),
                waiting=await _waiting(connection),
                webhook_backlog=await _backlog(connection),
            )

    async def _standings_now(self, connection: AsyncConnection) -> Sequence[Standing]:
        """Give the very same list until it is replaced: they are many, and change seldom."""
        mark = (await connection.execute(select(t.standing_mark.c.mark))).scalar_one_or_none()
        if mark is None or mark != self._standings[0]:
            self._standings = mark, await _standings(connection)
        return self._standings[1]


async def _moved(
    connection: AsyncConnection, kind: EntryKind
) -> dict[tuple[str, str, str], tuple[int, int]]:
    c = t.ledger_entry.c
    query = (
        select(c.currency, c.policy, c.form, func.sum(c.amount_minor), func.count())
        .where(c.kind == kind.value)
        .group_by(c.currency, c.policy, c.form)
    )
    rows = await connection.execute(query)
    return {(currency, policy, form): (int(s), n) for currency, policy, form, s, n in rows}


async def _carried(connection: AsyncConnection) -> dict[str, int]:
    c = t.ledger_balance.c
    query = select(c.currency, func.sum(c.carried_minor)).group_by(c.currency)
    return {currency: int(minor) for currency, minor in await connection.execute(query)}


async def _held(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    c = t.settlement.c
    query = (
        select(c.currency, c.holds, func.sum(c.credit_minor))
        .where(c.state == State.HELD.value)
        .group_by(c.currency, c.holds)
    )
    found: dict[tuple[str, str], int] = {}
    for currency, holds, minor in await connection.execute(query):
        # That it must be claimed too holds nothing by itself.
        reasons = [hold for hold in holds.split(",") if hold != Hold.CLAIM] or [Hold.CLAIM.value]
        key = (currency, reasons[0])
        found[key] = found.get(key, 0) + int(minor)
    return found


async def _claims(connection: AsyncConnection) -> dict[str, int]:
    c = t.claim.c
    rows = await connection.execute(select(c.result, func.count()).group_by(c.result))
    return {row.result: int(row[1]) for row in rows}


async def _waiting(connection: AsyncConnection) -> dict[str, int]:
    c = t.settlement.c
    query = (
        select(c.currency, func.sum(c.credit_minor))
        .where(c.state == State.WAITING.value)
        .group_by(c.currency)
    )
    return {currency: int(minor) for currency, minor in await connection.execute(query)}


def _breached() -> Select[Any]:
    c = t.settlement.c
    return (
        select(c.policy, c.service, func.count())
        .where(c.verdict == Verdict.BREACHED.value, c.state != State.OBSERVED.value)
        .group_by(c.policy, c.service)
    )


async def _breaches(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    rows = await connection.execute(_breached())
    return {(policy, service): count for policy, service, count in rows}


async def _unpaid_breaches(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    paid = exists().where(t.ledger_entry.c.settlement == t.settlement.c.key)
    query = _breached().where(t.settlement.c.state == State.POSTED.value, ~paid)
    return {(policy, service): n for policy, service, n in await connection.execute(query)}


async def _orders(connection: AsyncConnection, state: str) -> dict[str, int]:
    c = t.outbox.c
    query = select(c.sink, func.count()).where(c.state == state).group_by(c.sink)
    return {sink: int(count) for sink, count in await connection.execute(query)}


async def _held_notices(connection: AsyncConnection) -> int:
    query = select(func.count()).where(t.outbox.c.state == "held")
    return int((await connection.execute(query)).scalar_one())


async def _staged(connection: AsyncConnection) -> dict[str, int]:
    query = select(t.notice_batch.c.sink, count_staged())
    return {sink: int(count) for sink, count in await connection.execute(query)}


async def _observed(connection: AsyncConnection) -> dict[str, int]:
    query = select(t.watermark.c.service, t.watermark.c.fresh_until_ms)
    return {service: int(until) for service, until in await connection.execute(query)}


async def _open_incidents(connection: AsyncConnection) -> int:
    """Count windows that are open and that no later firing of the same alert has ended."""
    later = t.incident.alias()
    query = select(func.count()).where(
        t.incident.c.ends_at_ms.is_(None),
        ~exists().where(
            later.c.fingerprint == t.incident.c.fingerprint,
            later.c.starts_at_ms > t.incident.c.starts_at_ms,
        ),
    )
    return (await connection.execute(query)).scalar_one()


async def _backlog(connection: AsyncConnection) -> int:
    query = select(func.count()).select_from(t.webhook_backlog)
    return (await connection.execute(query)).scalar_one()


async def _standings(connection: AsyncConnection) -> list[Standing]:
    rows = await connection.execute(select(t.standing).order_by(t.standing.c.contract))
    return [Standing(**row._asdict()) for row in rows]


async def _differences(connection: AsyncConnection) -> dict[tuple[str, str], int]:
    c = t.billing_difference.c
    rows = await connection.execute(select(c.sink, c.kind, func.count()).group_by(c.sink, c.kind))
    return {(sink, kind): count for sink, kind, count in rows}


async def _checked(connection: AsyncConnection) -> dict[str, int]:
    query = select(t.billing_check.c.sink, t.billing_check.c.checked_at_ms)
    return {sink: int(at_ms) for sink, at_ms in await connection.execute(query)}
