"""Settlements and all that follows from one: ledger entries, notice, orders; one transaction."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sla_exporter.core.brakes import Tally
from sla_exporter.core.ledger import EntryKind
from sla_exporter.core.money import Money
from sla_exporter.core.settlement import History, State
from sla_exporter.errors import BooksMoved
from sla_exporter.store import ledger, past, rows
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts
from sla_exporter.store.upserts import add, put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.core.catalogue import Contract
    from sla_exporter.core.ledger import Books
    from sla_exporter.core.settled import Settled
    from sla_exporter.ports.figures import Standing
    from sla_exporter.ports.settling import Decision, EntriesFor, Posting
    from sla_exporter.store.engine import Database

_FINAL = tuple(state.value for state in State if state is not State.OBSERVED)
_OPEN = (State.HELD.value, State.WAITING.value, State.LAPSED.value)


class Settlements:
    """The settlement store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self) -> Mapping[str, tuple[int, State]]:
        """Give the end of the period and the state of each contract's latest settlement."""
        c = t.settlement.c
        query = select(c.contract, c.period_end_ms, c.state).join(
            last := past.last_ends(),
            (last.c.contract == c.contract) & (last.c.end_ms == c.period_end_ms),
        )
        async with self._database.read() as connection:
            found = await connection.execute(query)
            return {contract: (end_ms, State(state)) for contract, end_ms, state in found}

    async def final(self, keys: Sequence[str]) -> set[str]:
        """Give those of the keys whose settlement is more than observed."""
        async with self._database.read() as connection:
            c = t.settlement.c
            found: set[str] = set()
            for part in in_parts(keys):
                query = select(c.key).where(c.key.in_(part), c.state.in_(_FINAL))
                found.update((await connection.execute(query)).scalars())
            return found

    async def settled(self, period_label: str) -> list[Settled]:
        """Give every settlement of a period, by contract."""
        query = (
            select(t.settlement)
            .where(t.settlement.c.period == period_label)
            .order_by(t.settlement.c.contract)
        )
        async with self._database.read() as connection:
            return [rows.read_settled(row) for row in await connection.execute(query)]

    async def of_customers(self, customers: Sequence[str], after_ms: int) -> list[Settled]:
        """Give what is final for these customers, of periods that ended after that."""
        c = t.settlement.c
        found: list[Settled] = []
        async with self._database.read() as connection:
            for part in in_parts(customers):
                query = select(t.settlement).where(
                    c.customer.in_(part), c.period_end_ms > after_ms, c.state.in_(_FINAL)
                )
                found.extend(map(rows.read_settled, await connection.execute(query)))
        return found

    async def find(self, keys: Sequence[str]) -> list[Settled]:
        """Give settlements by their keys."""
        found: list[Settled] = []
        async with self._database.read() as connection:
            for part in in_parts(keys):
                query = select(t.settlement).where(t.settlement.c.key.in_(part))
                found.extend(rows.read_settled(row) for row in await connection.execute(query))
        return sorted(found, key=lambda one: one.key)

    async def held(self, groups: Sequence[str] | None = None) -> list[Settled]:
        """Give what waits for a person."""
        c = t.settlement.c
        query = select(t.settlement).where(c.state == State.HELD.value).order_by(c.key)
        if groups is not None:
            query = query.where(c.hold_group.in_(groups), c.hold_group != "")
        async with self._database.read() as connection:
            return [rows.read_settled(row) for row in await connection.execute(query)]

    async def decisions(self, keys: Sequence[str]) -> list[Decision]:
        """Give every decision about these settlements."""
        found: list[Decision] = []
        async with self._database.read() as connection:
            for part in in_parts(keys):
                query = (
                    select(t.decision)
                    .where(t.decision.c.settlement.in_(part))
                    .order_by(t.decision.c.id)
                )
                found.extend(rows.read_decision(row) for row in await connection.execute(query))
        return found

    async def note(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions that change nothing yet."""
        if decisions:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(t.decision), [rows.decision_row(one) for one in decisions]
                )

    async def history(
        self, contracts: Sequence[Contract], before_ms: int, since_ms: int | None
    ) -> Mapping[str, History]:
        """Give what earlier periods hand on, by contract."""
        async with self._database.read() as connection:
            carried = await ledger.carried_by(connection, [one.id for one in contracts])
            earlier = (
                await past.past(connection, contracts, before_ms, since_ms)
                if since_ms is not None
                else {}
            )
        found: dict[str, History] = {}
        for contract in contracts:
            currency = contract.fee.currency
            minor = carried.get((contract.id, currency), 0)
            verdicts, granted = earlier.get(contract.id, ((), 0))
            found[contract.id] = History(
                carried=Money(minor=minor, currency=currency) if minor else None,
                granted_before=Money(minor=granted, currency=currency)
                if since_ms is not None
                else None,
                breached_before=verdicts,
            )
        return found

    async def books(self, settled: Sequence[Settled]) -> Mapping[str, Books]:
        """Say what the ledger has for each settlement."""
        async with self._database.read() as connection:
            return await ledger.read_books(connection, settled)

    async def told(self, settled: Sequence[Settled]) -> set[str]:
        """Give the keys of those of which customers were told something in an earlier revision."""
        ends = {one.key: f"/{one.revision}" for one in settled if one.revision > 1}
        c, found = t.notice.c, set[str]()
        async with self._database.read() as connection:
            for part in in_parts(list(ends)):
                query = select(c.settlement, c.key).where(c.settlement.in_(part))
                told = await connection.execute(query)
                found.update(of for of, key in told if not key.endswith(ends[of]))
        return found

    async def tallies(
        self, labels: Sequence[str], without: Sequence[str] = ()
    ) -> Mapping[str, Tally]:
        """Say what is granted for periods, or will be as soon as it is claimed."""
        c = t.settlement.c
        found: dict[str, Tally] = {label: Tally() for label in labels}
        async with self._database.read() as connection:
            for given in (_granted(), _promised()):
                asked = [(given.where(c.period.in_(labels)), 1)]
                asked += [(given.where(c.key.in_(part)), -1) for part in in_parts(without)]
                for query, sign in asked:
                    for label, currency, minor, count in await connection.execute(query):
                        found[label].credits += sign * count
                        found[label].minor[currency] += sign * int(minor)
        return found

    async def post(self, postings: Sequence[Posting], at_ms: int) -> int:
        """Write the postings, all or nothing, without those whose place is taken."""
        async with self._database.write() as connection:
            await ledger.lock_ledger(connection)
            there = await _there(connection, [one.settled.key for one in postings])
            new = [one for one in postings if _fits(one, there.get(one.settled.key))]
            await _check_books(connection, new)
            if new:
                await _write(connection, new, there, at_ms)
            return len(new)

    async def keep_up(self, now_ms: int, entries_for: EntriesFor) -> int:
        """Add what time brought about; nothing moves between looking and writing."""
        async with self._database.write() as connection:
            await ledger.lock_ledger(connection)
            expired = await past.expired(connection, now_ms)
            entries = entries_for(expired, await past.carried(connection))
            known = await ledger.known_keys(connection, [entry.key for entry in entries])
            new = [entry for entry in entries if entry.key not in known]
            await ledger.append(connection, new)
            return len(new)

    async def stand(self, standings: Sequence[Standing]) -> None:
        """Replace what the open periods look like as of now."""
        async with self._database.write() as connection:
            mark = {"name": "standing", "mark": uuid.uuid4().hex}
            await connection.execute(put(connection, t.standing_mark, mark))
            await connection.execute(delete(t.standing))
            for part in in_parts(standings, 5000):
                await connection.execute(insert(t.standing), [asdict(one) for one in part])


def _granted() -> Select[Any]:
    """Add up what is in the ledger."""
    entry, settlement = t.ledger_entry.c, t.settlement.c
    count = func.sum(case((entry.kind == EntryKind.GRANT, 1), else_=-1))
    return (
        select(settlement.period, entry.currency, func.sum(entry.amount_minor), count)
        .join(t.settlement, settlement.key == entry.settlement)
        .where(entry.kind.in_([EntryKind.GRANT, EntryKind.REVERSAL]))
        .group_by(settlement.period, entry.currency)
    )


def _promised() -> Select[Any]:
    """Add up what customers were told that they can claim."""
    c = t.settlement.c
    return (
        select(c.period, c.currency, func.sum(c.credit_minor), func.count())
        .where(c.state == State.WAITING.value)
        .group_by(c.period, c.currency)
    )


async def _there(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in in_parts(keys):
        query = select(t.settlement).where(t.settlement.c.key.in_(part))
        found.update({row.key: row for row in await connection.execute(query)})
    return found


def _fits(posting: Posting, row: Any) -> bool:
    """Say whether a posting finds what it was made to replace."""
    if not posting.replaces:
        return row is None or row.state == State.OBSERVED.value
    if row is None or row.revision != posting.replaces:
        return False
    was = posting.was
    if was and (was.state.value, ",".join(was.holds)) != (row.state, row.holds):
        return False
    # Within a revision only what is open can change; a new revision may follow on anything.
    return bool(posting.settled.revision > row.revision or row.state in _OPEN)


async def _check_books(connection: AsyncConnection, postings: Sequence[Posting]) -> None:
    """Make sure that what entries were made for is still so."""
    moving = [one for one in postings if one.entries]
    now = await ledger.read_books(connection, [one.settled for one in moving]) if moving else {}
    for posting in moving:
        if now[posting.settled.key] != posting.books:
            raise BooksMoved(f"the ledger of {posting.settled.key} changed meanwhile; try again")


async def _write(
    connection: AsyncConnection, postings: Sequence[Posting], there: Mapping[str, Any], at_ms: int
) -> None:
    fresh = [one for one in postings if not one.replaces]
    await _remove_observed(connection, [o.settled.key for o in fresh if o.settled.key in there])
    if fresh:
        values = [rows.settlement_row(one.settled, at_ms) for one in fresh]
        await connection.execute(insert(t.settlement), values)
    await _replace(connection, [one for one in postings if one.replaces], there, at_ms)
    await _keep_cases(connection, postings)
    await ledger.append(connection, [entry for one in postings for entry in one.entries])
    await _insert(connection, t.decision, [o.decision for o in postings], rows.decision_row)
    answered = [claim for one in postings for claim in one.claims]
    await _insert(connection, t.claim, answered, lambda claim: rows.claim_row(claim, at_ms))
    notices = [(one.settled.key, one.notice) for one in postings if one.notice]
    await _insert(connection, t.notice, notices, lambda one: rows.notice_row(one[0], one[1], at_ms))
    orders = [order for posting in postings for order in posting.orders]
    await _insert(connection, t.outbox, orders, lambda order: rows.order_row(order, at_ms))


async def _insert(
    connection: AsyncConnection, table: Any, items: Sequence[Any], row_of: Any
) -> None:
    found = [row_of(item) for item in items if item is not None]
    if found:
        await connection.execute(insert(table), found)


async def _remove_observed(connection: AsyncConnection, keys: Sequence[str]) -> None:
    for part in in_parts(keys):
        await connection.execute(
            delete(t.settlement_case).where(t.settlement_case.c.settlement.in_(part))
        )
        await connection.execute(delete(t.settlement).where(t.settlement.c.key.in_(part)))


async def _replace(
    connection: AsyncConnection, postings: Sequence[Posting], there: Mapping[str, Any], at_ms: int
) -> None:
    """Put settlements in the place of others, and keep those whose revision is over."""
    if not postings:
        return
    old = [
        {
            "settlement": row.key,
            "revision": row.revision,
            "content": json.dumps(row._asdict(), ensure_ascii=False),
            "replaced_at_ms": at_ms,
        }
        for one in postings
        if (row := there[one.settled.key]).revision < one.settled.revision
    ]
    if old:
        await connection.execute(insert(t.settlement_revision), old)
    values = [rows.settlement_row(one.settled, at_ms) for one in postings]
    changed: dict[str, Any] = {
        name: bindparam(f"new_{name}") for name in values[0] if name != "key"
    }
    statement = update(t.settlement).where(t.settlement.c.key == bindparam("new_key"))
    await connection.execute(
        statement.values(changed),
        [{f"new_{name}": value for name, value in row.items()} for row in values],
    )


async def _keep_cases(connection: AsyncConnection, postings: Sequence[Posting]) -> None:
    kept = [(one.settled, one.record) for one in postings if one.record]
    if not kept:
        return
    policies = {record.policy_hash: rows.policy_row(record) for _, record in kept}
    await add(connection, t.policy_source, list(policies.values()))
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    cases = [rows.case_row(settled, record) for settled, record in kept]
    statement = dialect.insert(t.settlement_case)
    taken = {name: statement.excluded[name] for name in ("policy_hash", "content", "incidents")}
    await connection.execute(
        # A claim becomes part of the case that its settlement was computed from.
        statement.on_conflict_do_update(index_elements=["settlement", "revision"], set_=taken),
        cases,
    )
