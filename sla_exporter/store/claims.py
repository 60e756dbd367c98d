"""Claims: kept for good, each content once, and what still waits for one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, case, cast, exists, literal, select

from sla_exporter.core.claims import ClaimResult
from sla_exporter.core.settlement import State
from sla_exporter.ports.claims import Kept, ListedClaim
from sla_exporter.store import ledger, rows
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts
from sla_exporter.store.reader import Reader
from sla_exporter.store.upserts import add

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.core.claims import JudgedClaim, StatedClaim
    from sla_exporter.core.records import CaseRecord
    from sla_exporter.core.settled import Settled
    from sla_exporter.ports.claims import Telling
    from sla_exporter.store.engine import Database


class Claims:
    """The claim store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep_early(self, claim: JudgedClaim, at_ms: int) -> Kept:
        """Keep a claim, unless its period was settled meanwhile."""
        c = t.settlement.c
        query = select(c.state).where(c.key == claim.stated.settlement)
        async with self._database.write() as connection:
            await ledger.lock_ledger(connection)  # so that nothing is settled while we look
            state = (await connection.execute(query)).scalar_one_or_none()
            if state not in {None, State.OBSERVED.value}:
                return Kept.TOO_LATE
            added = await add(connection, t.claim, [rows.claim_row(claim, at_ms)])
        return Kept.NOW if added else Kept.BEFORE

    async def keep(self, claim: JudgedClaim, telling: Telling | None, at_ms: int) -> None:
        """Keep a claim from which nothing follows but a notice."""
        async with self._database.write() as connection:
            await add(connection, t.claim, [rows.claim_row(claim, at_ms)])
            if telling:
                await _tell(connection, [telling], at_ms)

    async def said(self, settlements: Sequence[str]) -> Mapping[str, Sequence[StatedClaim]]:
        """Give early claims, and those that were accepted later, by settlement."""
        c = t.claim.c
        counts = (c.result == ClaimResult.EARLY) | (
            (c.result == ClaimResult.ACCEPTED) & (c.about == "")
        )
        found: dict[str, list[StatedClaim]] = defaultdict(list)
        async with self._database.read() as connection:
            for part in in_parts(settlements):
                query = select(t.claim).where(c.settlement.in_(part), counts).order_by(c.id)
                for row in await connection.execute(query):
                    found[row.settlement].append(rows.read_stated(row))
        return found

    async def left_over(self) -> Sequence[StatedClaim]:
        """Give early claims that were not judged although their period is settled."""
        c, judged = t.claim.c, t.claim.alias()
        query = (
            select(t.claim)
            .join(t.settlement, t.settlement.c.key == c.settlement)
            .where(c.result == ClaimResult.EARLY, t.settlement.c.state != State.OBSERVED.value)
            .where(~exists().where(judged.c.about == c.key))
            .order_by(c.id)
        )
        async with self._database.read() as connection:
            return [rows.read_stated(row) for row in await connection.execute(query)]

    async def listed(
        self, filters: Mapping[str, str], after: int, limit: int
    ) -> Sequence[ListedClaim]:
        """Give claims by number; filters are values of columns by their names."""
        c = t.claim.c
        wanted = [c[name] == value for name, value in filters.items()]
        query = (
            select(t.claim, t.settlement.c.state)
            .outerjoin(t.settlement, t.settlement.c.key == c.settlement)
            .where(c.id > after, *wanted)
            .order_by(c.id)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [
                ListedClaim(
                    number=row.id,
                    claim=rows.read_claim(row),
                    state=row.state,
                    recorded_at_ms=row.recorded_at_ms,
                )
                for row in await connection.execute(query)
            ]

    async def record(self, settlement: str, revision: int) -> CaseRecord | None:
        """Give what a settlement was computed from."""
        return await Reader(self._database).record(settlement, revision)

    async def waiting(self) -> Sequence[Settled]:
        """Give everything that waits for a claim, the most urgent first."""
        c = t.settlement.c
        query = select(t.settlement).where(c.state == State.WAITING.value)
        return await self._settled(query.order_by(c.claim_until_ms.nulls_last(), c.key))

    async def overdue(self, now_ms: int, limit: int) -> Sequence[Settled]:
        """Give what waits for a claim that is too late now."""
        c = t.settlement.c
        query = select(t.settlement).where(
            c.state == State.WAITING.value, c.claim_until_ms <= now_ms
        )
        return await self._settled(query.order_by(c.key).limit(limit))

    async def to_remind(self, now_ms: int, limit: int, after: str = "") -> Sequence[Settled]:
        """Give what waits, is nearly too late, and was not told of a second time."""
        c = t.settlement.c
        again = case((c.revision > 1, literal("/") + cast(c.revision, String)), else_="")
        key = literal("claim_reminder/") + c.key + again
        query = (
            select(t.settlement)
            .where(c.state == State.WAITING.value, c.key > after)
            .where(c.remind_at_ms <= now_ms, c.claim_until_ms > now_ms)
            .where(c.settled_at_ms < c.remind_at_ms)  # the offer itself was not late
            .where(~exists().where(t.notice.c.key == key))
        )
        return await self._settled(query.order_by(c.key).limit(limit))

    async def tell(self, tellings: Sequence[Telling], at_ms: int) -> int:
        """Write what is told of settlements that still wait."""
        c = t.settlement.c
        keys = [one.settled.key for one in tellings]
        query = select(c.key, c.revision).where(c.key.in_(keys), c.state == State.WAITING.value)
        async with self._database.write() as connection:
            await ledger.lock_ledger(connection)  # so that nothing is claimed while we look
            waiting = {(key, revision) for key, revision in await connection.execute(query)}
            still = [o for o in tellings if (o.settled.key, o.settled.revision) in waiting]
            return await _tell(connection, still, at_ms)

    async def _settled(self, query: Any) -> list[Settled]:
        async with self._database.read() as connection:
            return [rows.read_settled(row) for row in await connection.execute(query)]


async def _tell(connection: AsyncConnection, tellings: Sequence[Telling], at_ms: int) -> int:
    notices = [rows.notice_row(one.settled.key, one.notice, at_ms) for one in tellings]
    orders = [rows.order_row(order, at_ms) for one in tellings for order in one.orders]
    told = await add(connection, t.notice, notices)
    await add(connection, t.outbox, orders)
    return told
