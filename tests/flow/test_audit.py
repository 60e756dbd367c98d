"""An entry that was changed behind our back is found."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from sla_exporter.core.ledger import GENESIS
from sla_exporter.store import tables as t
from tests.cast import ACME, BIRCH, NOVEMBER_3, catalogue, contract, outage
from tests.office import Office

BOOK = catalogue(contract(ACME, "499.90"), contract(BIRCH))


@pytest.fixture
async def office(database) -> Office:
    office = Office(database)
    await office.measured(
        {"acme": [outage(3, 10, 95)], "birch": [outage(9, 10, 95)]}, until_ms=NOVEMBER_3
    )
    await office.settle(BOOK, NOVEMBER_3)
    return office


async def tamper(database, *statements: str) -> None:
    """Do what an intruder with the database's password would: switch the triggers off first."""
    async with database.write() as connection:
        for event in ("update", "delete"):
            name = f"ledger_entry_no_{event}"
            on = "" if database.is_sqlite else " ON ledger_entry"
            await connection.execute(text(f"DROP TRIGGER {name}{on}"))
        for statement in statements:
            await connection.execute(text(statement))


async def problems(office) -> str:
    return "\n".join((await office.reader.audit()).problems)


async def test_an_untouched_ledger_is_sound(office):
    """Two entries, no problem."""
    audit = await office.reader.audit()

    assert (audit.entries, audit.problems) == (2, [])
    assert audit.head != GENESIS


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE ledger_entry SET amount_minor = 9999 WHERE customer = 'acme'", "was changed"),
        ("UPDATE ledger_entry SET customer = 'cedar' WHERE customer = 'acme'", "was changed"),
        ("UPDATE ledger_entry SET note = 'x' WHERE customer = 'acme'", "was changed"),
        ("DELETE FROM ledger_entry WHERE seq = 1", "is missing or was changed"),
        ("DELETE FROM ledger_entry WHERE seq = 2", "0.00 were granted, but it says"),
        ("UPDATE ledger_balance SET credited_minor = 1", "its entries add up to"),
        ("DELETE FROM ledger_balance", "it is missing"),
        ("UPDATE settlement SET credit_minor = 1", "were granted, but it says"),
        ("UPDATE settlement SET state = 'rejected'", "it is rejected, but there are entries"),
    ],
)
async def test_whatever_is_changed_is_found(database, office, statement, said):
    """An amount, an owner, a whole entry, a balance, a settlement."""
    await tamper(database, statement)

    assert said in await problems(office)


async def test_an_intruder_who_mends_the_chain_is_found_too(database, office):
    """Every hash is made anew; balance and settlement still say something else."""
    lines = [line async for line in office.reader.lines()]
    await tamper(database, "UPDATE ledger_entry SET amount_minor = 9999 WHERE seq = 1")
    previous = GENESIS
    changed = [line async for line in office.reader.lines()]
    async with database.write() as connection:
        for line in changed:
            own = line.entry.chained(previous)
            await connection.execute(
                t.ledger_entry.update()
                .where(t.ledger_entry.c.seq == line.seq)
                .values(previous_hash=previous, hash=own)
            )
            previous = own

    found = await problems(office)

    assert "was changed" not in found
    assert "99.99 were granted, but it says" in found
    assert "its entries add up to" in found
    assert previous != lines[-1].hash  # and the head that was written down elsewhere differs


async def test_decisions_cannot_be_changed(database, office):
    """The database refuses."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from sla_exporter.ports.settling import Decision, DecisionKind  # noqa: PLC0415

    one = await office.one("acme-web/2026-10")
    wish = Decision(
        settlement=one.key,
        revision=2,
        kind=DecisionKind.TAKE_BACK,
        by="Ana",
        reason="r",
        credit=one.credit,
        at_ms=1,
    )
    await office.store.note([wish])
    for statement in ("UPDATE decision SET by_whom = 'x'", "DELETE FROM decision"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.write() as connection:
                await connection.execute(text(statement))
    assert await office.store.decisions([one.key]) == [wish]
