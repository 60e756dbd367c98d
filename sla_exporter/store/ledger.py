"""The ledger's tables: entries in their chain, and the balances that they add up to.

Everything here works on a connection that the caller opened: what is written together is one
transaction of the caller's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from sla_exporter.core.audit import fold
from sla_exporter.core.ledger import EMPTY_BOOKS, GENESIS, Books, Entry, EntryKind
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts
from sla_exporter.store.rows import entry_row, read_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.core.settled import Settled

_LEDGER_LOCK = 0x51A  # any number that only the ledger uses


async def lock_ledger(connection: AsyncConnection) -> None:
    """Let one transaction at a time extend the chain; on SQLite every write is alone already."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": _LEDGER_LOCK})


async def append(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Chain the entries to what is there, and add them to the balances."""
    if not entries:
        return
    rows = []
    previous = await _last_hash(connection)
    for entry in entries:
        own = entry.chained(previous)
        rows.append(entry_row(entry, previous, own))
        previous = own
    await connection.execute(insert(t.ledger_entry), rows)
    await _add_up(connection, entries)


async def known_keys(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    """Give those of the keys that are in the ledger."""
    found: set[str] = set()
    for part in in_parts(keys):
        query = select(t.ledger_entry.c.key).where(t.ledger_entry.c.key.in_(part))
        found.update((await connection.execute(query)).scalars())
    return found


async def read_books(
    connection: AsyncConnection, settled: Sequence[Settled]
) -> Mapping[str, Books]:
    """Say what the ledger has for each settlement."""
    carried = await carried_by(connection, [one.contract for one in settled])
    books = {
        one.key: replace(
            EMPTY_BOOKS, carried_minor=carried.get((one.contract, one.credit.currency), 0)
        )
        for one in settled
    }
    for part in in_parts(list(books)):
        query = (
            select(t.ledger_entry)
            .where(t.ledger_entry.c.settlement.in_(part))
            .order_by(t.ledger_entry.c.seq)
        )
        for row in await connection.execute(query):
            books[row.settlement] = fold(books[row.settlement], read_entry(row))
    return books


async def carried_by(
    connection: AsyncConnection, contracts: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Give what is kept for contracts, by contract and currency; those without are left out."""
    c = t.ledger_balance.c
    found: dict[tuple[str, str], int] = {}
    for part in in_parts(contracts):
        query = select(c.contract, c.currency, c.carried_minor).where(
            c.contract.in_(part), c.carried_minor != 0
        )
        rows = await connection.execute(query)
        found.update({(contract, currency): minor for contract, currency, minor in rows})
    return found


async def granted_by_settlement(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, int]:
    """Give what was granted, less what was reversed, by settlement."""
    c = t.ledger_entry.c
    found: Counter[str] = Counter()
    for part in in_parts(keys):
        query = select(c.settlement, c.amount_minor).where(
            c.settlement.in_(part), c.kind.in_([EntryKind.GRANT, EntryKind.REVERSAL])
        )
        for settlement, minor in await connection.execute(query):
            found[settlement] += minor
    return found


def balance_changes(entries: Iterable[Entry]) -> dict[tuple[str, str], dict[str, Any]]:
    """Add entries up, by contract and currency, as rows of the balances."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in entries:
        key = (entry.contract, entry.amount.currency)
        row = found.setdefault(
            key,
            {
                "contract": entry.contract,
                "currency": entry.amount.currency,
                "customer": entry.customer,
                "credited_minor": 0,
                "carried_minor": 0,
            },
        )
        row["credited_minor" if entry.kind.is_credited else "carried_minor"] += entry.amount.minor
    return found


async def _add_up(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    c = t.ledger_balance.c
    for part in in_parts(list(balance_changes(entries).values())):
        statement = dialect.insert(t.ledger_balance).values(list(part))
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["contract", "currency"],
                set_={
                    "credited_minor": c.credited_minor + statement.excluded.credited_minor,
                    "carried_minor": c.carried_minor + statement.excluded.carried_minor,
                },
            )
        )


async def _last_hash(connection: AsyncConnection) -> str:
    query = select(t.ledger_entry.c.hash).order_by(t.ledger_entry.c.seq.desc()).limit(1)
    return (await connection.execute(query)).scalar_one_or_none() or GENESIS
