"""An older database with credits in it is brought up to date, and its ledger still verifies."""

from __future__ import annotations

from alembic import command
from sqlalchemy import text

from sla_exporter.core.ledger import GENESIS, grant
from sla_exporter.store.engine import Database, alembic_config, sqlite_url
from sla_exporter.store.reader import Reader
from sla_exporter.store.settlements import Settlements
from tests.cast import outage, settled

ENTRY = grant(settled(outage(3, 10, 95)), 1_793_000_000_000)


def as_it_was(connection) -> None:
    """Make the tables of the second migration, with one credit."""
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0002")
    connection.execute(
        text(
            "INSERT INTO settlement VALUES ('acme-web/2026-10', 'acme-web', 'acme', 'web', 'gold',"
            " '2026-10', 0, 1, 1, 'posted', 'breached', '', 'BRL', 4999, '0', '1999/2000', '1/2',"
            " false, 49990, 1, 1, 0, '[]', '{\"down\": [], \"unknown\": []}', 1)"
        )
    )
    content = ENTRY.content()
    connection.execute(
        text(
            "INSERT INTO ledger_entry VALUES (1, :key, :kind, :settlement, :customer, :contract,"
            " :policy, :form, :minor, :currency, :extension_days, :may_terminate, :at, :previous,"
            " :hash)"
        ),
        {
            **content,
            "at": ENTRY.posted_at_ms,
            "previous": GENESIS,
            "hash": ENTRY.chained(GENESIS),
        },
    )


async def test_a_ledger_from_before_verifies_after(tmp_path):
    """Its hashes, its balance, its settlement."""
    database = Database(sqlite_url(tmp_path / "old.db"))
    async with database.write() as connection:
        await connection.run_sync(as_it_was)

    await database.migrate()

    audit = await Reader(database).audit()
    assert (audit.entries, audit.problems) == (1, [])
    (found,) = await Settlements(database).find(["acme-web/2026-10"])
    assert (found.form.value, found.revision) == ("account credit", 1)
    await database.close()
