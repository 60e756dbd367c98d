"""Settlements and all that follows from one: ledger entry, notice, orders; one transaction."""

from __future__ import annotations

import base64
import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, text

from sla_exporter.core.ledger import GENESIS
from sla_exporter.core.money import Money
from sla_exporter.core.reasoning import step_from_json, step_to_json
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.settled import Settled
from sla_exporter.core.settlement import Hold, State, Verdict
from sla_exporter.core.windows import Window, total_ms
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.core.ledger import Entry
    from sla_exporter.core.settlement import Settlement
    from sla_exporter.ports import Notice, Order, Posting
    from sla_exporter.store.engine import Database

_FINAL = (State.HELD.value, State.POSTED.value)
_LEDGER_LOCK = 0x51A  # any number that only the ledger uses


class Settlements:
    """The settlement store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self) -> Mapping[str, tuple[int, State]]:
        """Give the end of the period and the state of each contract's latest settlement."""
        c = t.settlement.c
        last = (
            select(c.contract, func.max(c.period_end_ms).label("end_ms"))
            .group_by(c.contract)
            .subquery()
        )
        query = select(c.contract, c.period_end_ms, c.state).join(
            last, (last.c.contract == c.contract) & (last.c.end_ms == c.period_end_ms)
        )
        async with self._database.read() as connection:
            rows = await connection.execute(query)
            return {contract: (end_ms, State(state)) for contract, end_ms, state in rows}

    async def final(self, keys: Sequence[str]) -> set[str]:
        """Give those of the keys whose settlement is held or posted."""
        async with self._database.read() as connection:
            return await _final(connection, keys)

    async def settled(self, period_label: str) -> list[Settled]:
        """Give every settlement of a period, by contract."""
        query = (
            select(t.settlement)
            .where(t.settlement.c.period == period_label)
            .order_by(t.settlement.c.contract)
        )
        async with self._database.read() as connection:
            return [_settled(row) for row in await connection.execute(query)]

    async def settled_as(self, keys: Sequence[str]) -> Mapping[str, Settled]:
        """Give the settlements with these keys."""
        found: dict[str, Settled] = {}
        async with self._database.read() as connection:
            for part in in_parts(keys):
                query = select(t.settlement).where(t.settlement.c.key.in_(part))
                found.update({row.key: _settled(row) for row in await connection.execute(query)})
        return found

    async def post(self, postings: Sequence[Posting], at_ms: int) -> int:
        """Write the postings, all or nothing, without those that are final already."""
        async with self._database.write() as connection:
            await _lock_ledger(connection)
            final = await _final(connection, [posting.settlement.key for posting in postings])
            new = [posting for posting in postings if posting.settlement.key not in final]
            if new:
                await _write(connection, new, at_ms)
            return len(new)

    async def stand(self, standings: Sequence[Settlement]) -> None:
        """Replace what the open periods look like as of now."""
        async with self._database.write() as connection:
            await connection.execute(delete(t.standing))
            if standings:
                rows = [
                    _standing(Settled.of(s))
                    | {"disagreement_ms": total_ms(s.evidence.disagreements)}
                    for s in standings
                ]
                await connection.execute(insert(t.standing), rows)


async def _final(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    c = t.settlement.c
    found: set[str] = set()
    for part in in_parts(keys):
        query = select(c.key).where(c.key.in_(part), c.state.in_(_FINAL))
        found.update((await connection.execute(query)).scalars())
    return found


async def _lock_ledger(connection: AsyncConnection) -> None:
    """Let one transaction at a time extend the chain; on SQLite every write is alone already."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": _LEDGER_LOCK})


async def _write(connection: AsyncConnection, postings: Sequence[Posting], at_ms: int) -> None:
    settlements = [posting.settlement for posting in postings]
    keys = [settlement.key for settlement in settlements]
    for part in in_parts(keys):  # observed ones give way to the new ones
        await connection.execute(delete(t.settlement).where(t.settlement.c.key.in_(part)))
    await connection.execute(
        insert(t.settlement), [_row(Settled.of(s), at_ms) for s in settlements]
    )
    entries = [posting.entry for posting in postings if posting.entry]
    if entries:
        rows = _chained(await _last_hash(connection), entries)
        await connection.execute(insert(t.ledger_entry), rows)
    notices = [(p.settlement.key, p.notice) for p in postings if p.notice]
    if notices:
        rows = [_notice(key, notice, at_ms) for key, notice in notices]
        await connection.execute(insert(t.notice), rows)
    orders = [order for posting in postings for order in posting.orders]
    if orders:
        await connection.execute(insert(t.outbox), [_order(order, at_ms) for order in orders])


async def _last_hash(connection: AsyncConnection) -> str:
    query = select(t.ledger_entry.c.hash).order_by(t.ledger_entry.c.seq.desc()).limit(1)
    return (await connection.execute(query)).scalar_one_or_none() or GENESIS


def _chained(previous: str, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    rows = []
    for entry in entries:
        own = entry.chained(previous)
        rows.append(
            {
                "key": entry.key,
                "kind": entry.kind.value,
                "settlement": entry.settlement,
                "customer": entry.customer,
                "contract": entry.contract,
                "policy": entry.policy,
                "form": entry.form.value,
                "amount_minor": entry.amount.minor,
                "currency": entry.amount.currency,
                "extension_days": str(entry.extension_days),
                "may_terminate": entry.may_terminate,
                "posted_at_ms": entry.posted_at_ms,
                "previous_hash": previous,
                "hash": own,
            }
        )
        previous = own
    return rows


def _standing(settled: Settled) -> dict[str, Any]:
    return {
        "contract": settled.contract,
        "customer": settled.customer,
        "service": settled.service,
        "policy": settled.policy,
        "period": settled.period,
        "currency": settled.credit.currency,
        "credit_minor": settled.credit.minor,
        "objective": _text(settled.objective),
        "ratio": _text(settled.ratio),
        "down_ms": settled.down_ms,
        "unknown_ms": settled.unknown_ms,
    }


def _row(settled: Settled, at_ms: int) -> dict[str, Any]:
    windows = {"down": settled.windows.down, "unknown": settled.windows.unknown}
    return _standing(settled) | {
        "key": settled.key,
        "start_ms": settled.span.start_ms,
        "end_ms": settled.span.end_ms,
        "period_end_ms": settled.period_end_ms,
        "counted_ms": settled.counted_ms,
        "extension_days": str(settled.extension_days),
        "may_terminate": settled.may_terminate,
        "state": settled.state.value,
        "verdict": settled.verdict.value,
        "holds": ",".join(settled.holds),
        "fee_minor": settled.fee.minor,
        "reasoning": json.dumps([step_to_json(s) for s in settled.steps], ensure_ascii=False),
        "windows": json.dumps(windows),
        "settled_at_ms": at_ms,
    }


def _settled(row: Any) -> Settled:
    windows = json.loads(row.windows)
    return Settled(
        key=row.key,
        contract=row.contract,
        customer=row.customer,
        service=row.service,
        policy=row.policy,
        period=row.period,
        span=Window(row.start_ms, row.end_ms),
        period_end_ms=row.period_end_ms,
        verdict=Verdict(row.verdict),
        state=State(row.state),
        holds=tuple(Hold(name) for name in row.holds.split(",") if name),
        fee=Money(minor=row.fee_minor, currency=row.currency),
        credit=Money(minor=row.credit_minor, currency=row.currency),
        extension_days=Fraction(row.extension_days),
        may_terminate=row.may_terminate,
        objective=_fraction(row.objective),
        ratio=_fraction(row.ratio),
        counted_ms=row.counted_ms,
        down_ms=row.down_ms,
        unknown_ms=row.unknown_ms,
        windows=SeriesState(
            down=tuple(Window(*window) for window in windows["down"]),
            unknown=tuple(Window(*window) for window in windows["unknown"]),
        ),
        steps=tuple(step_from_json(data) for data in json.loads(row.reasoning)),
    )


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _notice(settlement: str, notice: Notice, at_ms: int) -> dict[str, Any]:
    pictures = {name: base64.b64encode(png).decode() for name, png in notice.pictures.items()}
    return {
        "key": notice.key,
        "settlement": settlement,
        "kind": notice.kind,
        "locale": notice.locale,
        "recipients": json.dumps(notice.recipients, ensure_ascii=False),
        "subject": notice.subject,
        "text": notice.text,
        "html": notice.html,
        "pictures": json.dumps(pictures),
        "rendered_at_ms": at_ms,
    }


def _order(order: Order, at_ms: int) -> dict[str, Any]:
    return {
        "key": order.key,
        "sink": order.sink,
        "kind": order.kind,
        "about": order.about,
        "state": "pending",
        "due_at_ms": at_ms,
        "attempts": 0,
        "lease_until_ms": 0,
        "created_at_ms": at_ms,
    }
