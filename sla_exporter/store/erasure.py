"""Erasing a customer's personal data from what is stored, without touching the ledger.

The ledger holds ids and amounts only, so its chain stays whole. A notice keeps its key, kind and
time, which say that somebody was told and when; its words and addresses go. What becomes of each
table is said in :mod:`sla_exporter.store.personal`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, text, union, update

from sla_exporter.core.records import ERASED, without_name
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts
from sla_exporter.store.joining import join_backlog

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.store.engine import Database

_OF_CONTRACTS = (t.settlement, t.ledger_balance, t.standing, t.told_outage)
_OF_CUSTOMERS = (*_OF_CONTRACTS, t.ledger_entry, t.notice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased: the keys of notices, and how many of them were still to be delivered.

    ``known`` says whether there ever was anything of such a customer.
    """

    notices: Sequence[str]
    withdrawn: int
    known: bool


async def erase_customer(
    database: Database, customer: str, contracts: Collection[str] = ()
) -> Erased:
    """Erase a customer's names and addresses, all or none; twice is no harm.

    Their contracts are those that anything stored knows of, and ``contracts``.
    """
    of_customer = select(t.settlement.c.key).where(t.settlement.c.customer == customer)
    theirs = (t.notice.c.customer == customer) | t.notice.c.settlement.in_(of_customer)
    query = select(t.notice.c.key).where(theirs)
    words = dict.fromkeys(("subject", "text", "html"), ERASED)
    gone = {**words, "recipients": "[]", **dict.fromkeys(("pictures", "documents", "facts"), "{}")}
    withdrawn = 0
    await join_backlog(database)  # or what waits would bring annotations back
    async with database.write() as connection:
        if database.is_sqlite:  # or what was overwritten stays readable in the file
            await connection.execute(text("PRAGMA secure_delete=ON"))
        await _erase_names(connection, customer)
        await _erase_annotations(connection, customer, contracts)
        keys = list((await connection.execute(query.order_by(t.notice.c.key))).scalars())
        for part in in_parts(keys):
            notice, order = t.notice.c, t.outbox.c
            await connection.execute(update(t.notice).where(notice.key.in_(part)).values(gone))
            about = update(t.outbox).where(order.about.in_(part), order.kind == "notice")
            # What a mail server said may name the address.
            await connection.execute(about.values(error=None))
            waiting = about.where(order.state.in_(("pending", "held")))
            done = await connection.execute(waiting.values(state="parked", error=ERASED))
            withdrawn += done.rowcount
        known = bool(keys) or await _is_known(connection, customer)
    return Erased(notices=keys, withdrawn=withdrawn, known=known)


async def _is_known(connection: AsyncConnection, customer: str) -> bool:
    """Look for the id in every table that names customers, and in the labels of alerts."""
    for table in _OF_CUSTOMERS:
        found = select(table.c.customer).where(table.c.customer == customer).limit(1)
        if (await connection.execute(found)).first():
            return True
    labels = await connection.execute(select(t.incident.c.labels))
    return any(customer in json.loads(row.labels).values() for row in labels)


async def _erase_names(connection: AsyncConnection, customer: str) -> None:
    """Erase the name from what credits were computed from, and what sinks said of credits."""
    s, c, order = t.settlement.c, t.settlement_case.c, t.outbox.c
    theirs = select(s.key).where(s.customer == customer)
    cases = select(c.settlement, c.content).where(c.settlement.in_(theirs))
    for key, content in (await connection.execute(cases)).all():
        nameless = json.dumps(without_name(json.loads(content)), ensure_ascii=False)
        await connection.execute(
            update(t.settlement_case).where(c.settlement == key).values(content=nameless)
        )
    entries = select(t.ledger_entry.c.key).where(t.ledger_entry.c.customer == customer)
    answered = update(t.outbox).where(order.about.in_(entries), order.error.is_not(None))
    await connection.execute(answered.values(error=ERASED))


async def _erase_annotations(
    connection: AsyncConnection, customer: str, contracts: Collection[str]
) -> None:
    """Erase annotations of alerts that name the customer or one of their contracts."""
    c = t.incident.c
    known = union(
        *(select(one.c.contract).where(one.c.customer == customer) for one in _OF_CONTRACTS)
    )
    names = {customer, *contracts, *(await connection.execute(known)).scalars()}
    incidents = select(c.fingerprint, c.labels, c.contract).where(c.annotations != "{}")
    prints = {
        row.fingerprint
        for row in await connection.execute(incidents)
        if row.contract in names or not names.isdisjoint(json.loads(row.labels).values())
    }
    for part in in_parts(sorted(prints)):
        named = update(t.incident).where(c.fingerprint.in_(part))
        await connection.execute(named.values(annotations="{}"))
