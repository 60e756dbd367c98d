"""Erasing a customer's personal data from what is stored, without touching the ledger.

The ledger holds ids and amounts only, so its chain stays whole. A notice keeps its key, kind and
time, which say that somebody was told and when; its words and addresses go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.store.engine import Database

ERASED = "[erased]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased: the keys of notices, and how many of them were still to be delivered."""

    notices: Sequence[str]
    withdrawn: int


async def erase_customer(database: Database, customer: str) -> Erased:
    """Erase names and addresses from a customer's notices, all or none; twice is no harm."""
    of_customer = select(t.settlement.c.key).where(t.settlement.c.customer == customer)
    theirs = (t.notice.c.customer == customer) | t.notice.c.settlement.in_(of_customer)
    query = select(t.notice.c.key).where(theirs)
    words = dict.fromkeys(("subject", "text", "html"), ERASED)
    gone = {**words, "recipients": "[]", **dict.fromkeys(("pictures", "documents", "facts"), "{}")}
    withdrawn = 0
    async with database.write() as connection:
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
    return Erased(notices=keys, withdrawn=withdrawn)
