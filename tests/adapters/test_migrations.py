"""Migrations: an upgraded schema is the one that the tables describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from sla_exporter.store import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return compare_metadata(context, SQLModel.metadata)


async def test_the_migrated_schema_is_the_described_one(database):
    """On both databases, a table or column that was forgotten in a migration shows."""
    assert tables.ledger_entry.name == "ledger_entry"
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_again_changes_nothing(database):
    """Every start of the service does so."""
    await database.migrate()
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
