"""Settlements and everything that follows from one, in one transaction."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.exposure import Outlook
from sla_exporter.core.ledger import GENESIS, grant
from sla_exporter.core.settled import Settled
from sla_exporter.core.settlement import State
from sla_exporter.ports.figures import Standing
from sla_exporter.ports.settling import Notice, Order, Posting
from sla_exporter.store import tables as t
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.settlements import Settlements
from tests.cast import ACME, BIRCH, OCTOBER, contract, outage, settled

NOW = 1_793_000_000_000


def posting(settlement, *, broken: bool = False) -> Posting:
    entry = grant(settlement, NOW) if settlement.owes and settlement.state is State.POSTED else None
    notice = Notice(
        key=f"credit/{settlement.key}",
        kind="credit",
        locale="en",
        recipients=("ops@acme.example",),
        subject="s",
        text="t",
        html="<p>h</p>",
        pictures={"timeline": b"\x89PNG"},
    )
    order = Order(key=f"file/{notice.key}", sink="file", kind="notice", about=notice.key)
    # A broken posting names the same order twice, which the database refuses.
    return Posting(
        settled=Settled.of(settlement),
        entries=(entry,) if entry else (),
        notice=notice,
        orders=(order, order)[: 1 + broken],
    )


async def counts(database) -> dict[str, int]:
    found = {}
    async with database.read() as connection:
        for table in (t.settlement, t.ledger_entry, t.notice, t.outbox):
            query = select(func.count()).select_from(table)
            found[table.name] = (await connection.execute(query)).scalar_one()
    return found


ONE_OF_EACH = {"settlement": 1, "ledger_entry": 1, "notice": 1, "outbox": 1}


async def test_a_settlement_is_read_back_as_it_was(database):
    """Windows, exact figures and every step of the reasoning."""
    settlement = settled(outage(3, 10, 95), outage(20, 1, 2.5))
    store = Settlements(database)

    await store.post([posting(settlement)], NOW)

    assert await store.settled("2026-10") == [Settled.of(settlement)]
    assert await store.latest() == {"acme-web": (OCTOBER.span.end_ms, State.POSTED)}
    assert await store.final([settlement.key, "other/2026-10"]) == {settlement.key}


async def test_posting_twice_changes_nothing(database):
    """The second time nothing is written, and the store says so."""
    store = Settlements(database)

    written = [await store.post([posting(settled(outage(3, 10, 95)))], NOW + i) for i in range(2)]

    assert written == [1, 0]
    assert await counts(database) == ONE_OF_EACH


async def test_a_posting_that_fails_leaves_no_trace(database):
    """Not the settlement, not the entry, not the notice."""
    store = Settlements(database)

    with pytest.raises(DBAPIError):
        await store.post([posting(settled(outage(3, 10, 95)), broken=True)], NOW)

    assert await counts(database) == dict.fromkeys(ONE_OF_EACH, 0)


async def test_many_processes_posting_at_once_pay_once(database):
    """Ten runs of the same month at the same time: one ledger entry, one notice, one chain."""
    store = Settlements(database)
    batch = [
        posting(settled(outage(3, 10, 95))),
        posting(settled(outage(4, 0, 700), of=contract(BIRCH))),
    ]

    written = await asyncio.gather(*(store.post(batch, NOW) for _ in range(10)))

    assert sorted(written) == [0] * 9 + [2]
    assert await counts(database) == dict.fromkeys(ONE_OF_EACH, 2)


async def test_an_observed_settlement_gives_way(database):
    """What was only shown is replaced; what is final is not."""
    store = Settlements(database)

    await store.post([Posting(settled=Settled.of(settled(mode=Mode.OBSERVE)))], NOW)
    await store.post([posting(settled(outage(3, 10, 95)))], NOW)
    await store.post([Posting(settled=Settled.of(settled(mode=Mode.OBSERVE)))], NOW)

    assert await counts(database) == ONE_OF_EACH
    assert [s.state for s in await store.settled("2026-10")] == [State.POSTED]


async def test_ledger_entries_are_chained(database):
    """Every entry carries the hash of the one before."""
    store = Settlements(database)
    await store.post([posting(settled(outage(3, 10, 95)))], NOW)
    await store.post([posting(settled(outage(4, 0, 700), of=contract(BIRCH)))], NOW)

    async with database.read() as connection:
        rows = (
            await connection.execute(select(t.ledger_entry).order_by(t.ledger_entry.c.seq))
        ).all()

    assert [row.previous_hash for row in rows] == [GENESIS, rows[0].hash]
    assert rows[0].hash == grant(settled(outage(3, 10, 95)), NOW).chained(GENESIS)


@pytest.mark.parametrize(
    "statement",
    [update(t.ledger_entry).values(amount_minor=1), delete(t.ledger_entry)],
    ids=["update", "delete"],
)
async def test_the_ledger_is_append_only(database, statement):
    """The database itself refuses to change or remove an entry."""
    await Settlements(database).post([posting(settled(outage(3, 10, 95)))], NOW)

    with pytest.raises(DBAPIError, match="append-only"):
        async with database.write() as connection:
            await connection.execute(statement)


async def test_the_open_periods_are_replaced_as_a_whole(database):
    """A contract that is gone from the configuration is gone from the metrics."""
    store = Settlements(database)

    await store.stand(
        [Standing.of(settled(), Outlook()), Standing.of(settled(of=contract(BIRCH)), Outlook())]
    )
    await store.stand([Standing.of(settled(outage(3, 10, 95)), Outlook())])

    figures = await DatabaseFigures(database).figures()
    assert [(s.contract, s.down_ms, s.credit_minor) for s in figures.standings] == [
        ("acme-web", 95 * 60_000, 4999)
    ]


async def test_figures_come_from_the_tables(database):
    """Money by currency, policy and form; breaches; what is held; what waits."""
    store = Settlements(database)
    held = settled(outage(3, 0, 700), of=contract(BIRCH), mode=Mode.REVIEW)
    unpaid = settled(outage(3, 0, 95), of=contract(ACME, "0.01", id="acme-tiny"))
    assert not unpaid.owes

    await store.post(
        [
            posting(settled(outage(3, 10, 95))),
            Posting(settled=Settled.of(held)),
            Posting(settled=Settled.of(unpaid)),
        ],
        NOW,
    )
    figures = await DatabaseFigures(database).figures()

    assert figures.issued == {("BRL", "gold", "account credit"): (4999, 1)}
    assert figures.held == {("EUR", "review"): 3000}
    assert figures.breaches == {("gold", "web"): 3}
    assert figures.unpaid_breaches == {("gold", "web"): 1}
    assert figures.pending == {"file": 1}
    assert figures.parked == {}
