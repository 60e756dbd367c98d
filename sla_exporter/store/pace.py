"""How many orders a sink may get now: what is due, less what its pace or a person holds back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select, text, true

from sla_exporter.store import tables as t
from sla_exporter.store.upserts import put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.ports.notices import Pace

STOPPED = "notices"
_HOUR_MS = 3_600_000
_PACE_LOCK = 0x51D  # any number that only this uses


async def due_keys(
    connection: AsyncConnection, now_ms: int, most: int, paces: Mapping[str, Pace]
) -> list[str]:
    """Give the keys of orders that may be claimed; those of paced sinks up to what is left."""
    if paces and connection.dialect.name == "postgresql":
        # Nobody else may claim while we count; on SQLite every write is alone already.
        await connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": _PACE_LOCK})
    c = t.outbox.c
    stopped = await is_stopped(connection)
    allowed: ColumnElement[bool] = c.kind != "notice" if stopped else true()
    keys = await _keys(connection, now_ms, most, allowed & c.sink.not_in(paces))
    for sink, pace in paces.items():
        # Only notices are paced: a sink that takes both must not make credits wait.
        others = and_(c.sink == sink, c.kind != "notice")
        keys += await _keys(connection, now_ms, most, others)
        if stopped:
            continue  # and no batch goes on meanwhile: after a stop, a few go first again
        left = min(most, await _left(connection, sink, pace, now_ms))
        if left > 0:
            notices = and_(c.sink == sink, c.kind == "notice")
            keys += await _keys(connection, now_ms, left, notices)
    return keys


async def is_stopped(connection: AsyncConnection) -> bool:
    """Say whether a person stopped the sending of notices."""
    query = select(t.notice_stop.c.name).where(t.notice_stop.c.name == STOPPED)
    return (await connection.execute(query)).first() is not None


async def _keys(
    connection: AsyncConnection, now_ms: int, most: int, which: ColumnElement[bool]
) -> list[str]:
    c = t.outbox.c
    due = select(c.key).where(_is_due(now_ms), which).order_by(c.due_at_ms, c.key).limit(most)
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    return list((await connection.execute(due)).scalars())


def _is_due(now_ms: int) -> ColumnElement[bool]:
    c = t.outbox.c
    return and_(c.state == "pending", c.due_at_ms <= now_ms, c.lease_until_ms <= now_ms)


async def _left(connection: AsyncConnection, sink: str, pace: Pace, now_ms: int) -> int:
    """Say how many notices a sink may get now."""
    left = 1 << 30
    if pace.per_hour is not None:
        left = pace.per_hour - await _sent(connection, sink, now_ms - _HOUR_MS, now_ms)
    if pace.first is None:
        return left
    began_ms = await _batch(connection, sink, pace, now_ms)
    if began_ms is None or now_ms >= began_ms + pace.wait_ms:
        return left
    return min(left, pace.first - await _sent(connection, sink, began_ms - 1, now_ms))


async def _sent(connection: AsyncConnection, sink: str, since_ms: int, now_ms: int) -> int:
    """Count what was sent since then, and what is under way."""
    c = t.outbox.c
    lately = (c.delivered_at_ms > since_ms) | (c.lease_until_ms > now_ms)
    query = select(func.count()).where(c.sink == sink, c.kind == "notice", lately)
    return int((await connection.execute(query)).scalar_one())


async def _batch(connection: AsyncConnection, sink: str, pace: Pace, now_ms: int) -> int | None:
    """Say when the batch began that is due now, and note that it is; ``None`` if nothing is."""
    c = t.outbox.c
    mine = and_(_is_due(now_ms), c.sink == sink, c.kind == "notice")
    if (await connection.execute(select(c.key).where(mine).limit(1))).first() is None:
        return None
    batch = t.notice_batch.c
    found = (
        await connection.execute(select(t.notice_batch).where(batch.sink == sink))
    ).one_or_none()
    goes_on = found is not None and now_ms - found.seen_at_ms <= pace.wait_ms
    began_ms = int(found.began_at_ms) if found is not None and goes_on else now_ms
    goes_on_ms = began_ms + pace.wait_ms
    row = {
        "sink": sink,
        "began_at_ms": began_ms,
        "goes_on_at_ms": goes_on_ms,
        "seen_at_ms": now_ms,
    }
    await connection.execute(put(connection, t.notice_batch, row))
    return began_ms
