"""An older database is brought up to date, and a newer one is worked with or refused."""

from __future__ import annotations

import json

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import create_engine, inspect, text
from sqlmodel import SQLModel

from sla_exporter.cli import main
from sla_exporter.core.ledger import GENESIS, grant
from sla_exporter.errors import StoreTooNew
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.outbox import DatabaseOutbox
from sla_exporter.store.reader import Reader
from sla_exporter.store.schema import ONLY_ADDS, alembic_config
from sla_exporter.store.settlements import Settlements
from tests.adapters.test_settlement_store import NOW, posting
from tests.cast import outage, settled
from tests.e2e.test_kill import configuration

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


async def made_newer(database: Database, revision: str) -> None:
    """Do as a later version might: a table more, and in every table a column more."""
    async with database.write() as connection:
        for table in SQLModel.metadata.tables:
            await connection.execute(text(f"ALTER TABLE {table} ADD COLUMN later TEXT DEFAULT 'x'"))
        await connection.execute(text("CREATE TABLE later_table (id INTEGER PRIMARY KEY)"))
        await connection.execute(
            text("UPDATE alembic_version SET version_num = :r"), {"r": revision}
        )


async def test_an_older_version_works_on_tables_that_were_added_to(database):
    """As it must while replicas are replaced one by one: it starts, settles and delivers."""
    await made_newer(database, "9000")

    await database.migrate()

    await Settlements(database).post([posting(settled(outage(3, 10, 95)))], NOW)
    (order,) = await DatabaseOutbox(database).claim("old", NOW, 60_000, 10)
    audit = await Reader(database).audit()
    assert order.notice
    assert (audit.entries, audit.problems) == (1, [])
    async with database.read() as connection:
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
        assert found.scalar_one() == "9000"


async def test_an_older_version_refuses_tables_that_were_changed(database):
    """It says what to do, and writes nothing."""
    await made_newer(database, "b0001")

    with pytest.raises(StoreTooNew, match="start that version, or restore a backup"):
        await database.migrate()


@pytest.mark.parametrize("command_name", ["serve", "migrate"])
def test_a_refusal_is_one_sentence(tmp_path, command_name):
    """On the terminal, without a traceback."""
    file = tmp_path / "sla-exporter.yml"
    file.write_text(json.dumps(configuration("acme")))
    assert CliRunner().invoke(main, ["migrate", f"--config.file={file}"]).exit_code == 0
    engine = create_engine(f"sqlite:///{tmp_path / 'sla-exporter.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'b0001'"))
    engine.dispose()

    done = CliRunner().invoke(main, [command_name, f"--config.file={file}"])

    assert done.exit_code == 1
    assert "the database is of a newer version (its tables are at b0001" in done.output
    assert "Traceback" not in done.output


def columns(connection) -> dict[tuple[str, str], tuple[str, bool, bool]]:
    """Give type, NOT NULL and whether there is a default, by table and column."""
    look = inspect(connection)
    return {
        (table, one["name"]): (str(one["type"]), not one["nullable"], one["default"] is not None)
        for table in look.get_table_names()
        for one in look.get_columns(table)
    }


def test_migrations_with_plain_numbers_only_add(tmp_path):
    """What is there keeps its name and type, and what is new may be left out."""
    engine = create_engine(f"sqlite:///{tmp_path / 'steps.db'}")
    config = alembic_config()
    scripts = [s.revision for s in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    before: dict[tuple[str, str], tuple[str, bool, bool]] = {}
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        for revision in filter(ONLY_ADDS.fullmatch, scripts):
            command.upgrade(config, revision)
            after, tables = columns(connection), {table for table, _ in before}
            for column, (kind, required, _) in before.items():
                assert after[column][0] == kind, (revision, column)
                assert required or not after[column][1], (revision, column)
            for column in after.keys() - before.keys():
                _, required, has_default = after[column]
                may_be_left_out = not required or has_default or column[0] not in tables
                assert may_be_left_out, (revision, column)
            before = after
    engine.dispose()
    assert before
