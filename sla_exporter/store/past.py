"""What earlier settlements and entries say: verdicts, grants, and what is left of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from sla_exporter.core.ledger import EntryKind
from sla_exporter.core.periods import DAY_MS
from sla_exporter.core.settlement import State, Verdict
from sla_exporter.ports.settling import Carried
from sla_exporter.store import ledger, rows
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.core.catalogue import Contract
    from sla_exporter.core.ledger import Entry

_YEAR_MS = 366 * DAY_MS
_OPEN = {State.HELD, State.WAITING}


def last_ends() -> Any:
    """Give, as a subquery, where the latest settlement of each contract ends."""
    c = t.settlement.c
    return (
        select(c.contract, func.max(c.period_end_ms).label("end_ms"))
        .group_by(c.contract)
        .subquery()
    )


async def past(
    connection: AsyncConnection, contracts: Sequence[Contract], before_ms: int, since_ms: int
) -> dict[str, tuple[tuple[bool, ...], int]]:
    """Give whether earlier periods were breached, the latest first, and what was granted.

    A breach that a person rejected is none. What is held or waits to be claimed counts as granted,
    as it still may be. Grants are those of periods that ended after ``since_ms``.
    """
    c = t.settlement.c
    verdicts: dict[str, list[bool]] = defaultdict(list)
    recent: dict[str, Any] = {}
    for part in in_parts([contract.id for contract in contracts]):
        query = (
            select(c.key, c.contract, c.verdict, c.state, c.credit_minor, c.period_end_ms)
            .where(c.contract.in_(part), c.period_end_ms <= before_ms)
            .where(c.period_end_ms > before_ms - _YEAR_MS)
            .order_by(c.period_end_ms.desc())
        )
        for row in await connection.execute(query):
            is_breach = row.verdict == Verdict.BREACHED and row.state != State.REJECTED
            verdicts[row.contract].append(is_breach)
            if row.period_end_ms > since_ms:
                recent[row.key] = row
    granted: Counter[str] = Counter()
    minors = await ledger.granted_by_settlement(connection, list(recent))
    for key, row in recent.items():
        minor = minors.get(key, 0)
        may_come = row.credit_minor if row.state in _OPEN else 0
        granted[row.contract] += max(minor, may_come)
    return {contract: (tuple(past), granted[contract]) for contract, past in verdicts.items()}


async def credited(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, int]:
    """Give what is credited for settlements: granted, less reversed, less expired."""
    c = t.ledger_entry.c
    kinds = [kind for kind in EntryKind if kind.is_credited]
    found: dict[str, int] = {}
    for part in in_parts(keys):
        query = (
            select(c.settlement, func.sum(c.amount_minor))
            .where(c.settlement.in_(part), c.kind.in_(kinds))
            .group_by(c.settlement)
        )
        found.update({key: int(minor) for key, minor in await connection.execute(query)})
    return found


async def expired(connection: AsyncConnection, now_ms: int) -> list[tuple[Entry, int]]:
    """Give grants whose time is up, and what is left of each."""
    c, other = t.ledger_entry.c, t.ledger_entry.alias()
    ended = select(other.c.about).where(other.c.kind.in_([EntryKind.EXPIRY, EntryKind.REVERSAL]))
    query = select(t.ledger_entry).where(c.expires_at_ms <= now_ms, c.key.not_in(ended))
    grants = [rows.read_entry(row) for row in await connection.execute(query)]
    left = await credited(connection, [grant.settlement for grant in grants])
    found = ((one, min(one.amount.minor, left.get(one.settlement, 0))) for one in grants)
    return [(one, minor) for one, minor in found if minor > 0]


async def carried(connection: AsyncConnection) -> list[Carried]:
    """Give every amount that is kept for later, with the contract's latest settlement.

    Where a credit of the contract still waits, it may have been told to use the amount, or be going
    to add to it: those are left out.
    """
    c, s, other = t.ledger_balance.c, t.settlement.c, t.settlement.alias().c
    last = last_ends()
    waiting = select(other.contract).where(other.state.in_([State.HELD, State.WAITING]))
    query = (
        select(t.settlement, c.carried_minor)
        .join(t.ledger_balance, (c.contract == s.contract) & (c.currency == s.currency))
        .join(last, (last.c.contract == s.contract) & (last.c.end_ms == s.period_end_ms))
        .where(c.carried_minor > 0, c.contract.not_in(waiting))
    )
    found = (await connection.execute(query)).all()
    return [Carried(latest=rows.read_settled(row), minor=row.carried_minor) for row in found]
