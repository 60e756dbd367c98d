"""Backup and restore as docs/operations.md says: while it runs, and nothing is doubled."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from sla_exporter.store import tables as t
from sla_exporter.store.engine import Database
from sla_exporter.store.settlements import Settlements
from tests.adapters.test_settlement_store import posting
from tests.cast import outage, settled
from tests.e2e.test_kill import outcome
from tests.e2e.test_service import BEARER, metric, until
from tests.faults.watching import RECONCILED, is_done, post
from tests.postgres import _program

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BEARER"]


@pytest.mark.slow
def test_a_restored_sqlite_backup_doubles_nothing(config, service, tmp_path: Path):
    """What came after the backup is done again, with the same keys: the same files, no more."""
    config["schedule"] = {"observe": "500ms", "reconcile": "500ms", "deliver": "500ms"}
    server = service(config).start()
    assert post(server, 1) == 200
    running = sqlite3.connect(tmp_path / "sla-exporter.db", isolation_level=None, timeout=30)
    running.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    running.close()
    until(lambda: is_done(tmp_path), "the month was settled", 60)
    server.stop()
    before = outcome(tmp_path)

    for name in ("sla-exporter.db", "sla-exporter.db-wal", "sla-exporter.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "backup.db").rename(tmp_path / "sla-exporter.db")
    server.start()
    until(lambda: is_done(tmp_path), "the month was settled again", 60)
    until(lambda: metric(server, RECONCILED), "reconciled")
    server.stop()

    after = outcome(tmp_path)
    assert after["ledger"] == before["ledger"]
    assert after["orders"] == before["orders"]
    assert after["credits"] == before["credits"]
    assert after["mail"] == before["mail"]
    assert after["chain"]


def test_a_restored_postgresql_backup_is_whole(postgres, tmp_path: Path):
    """The ledger with its chain, and the triggers that guard it."""

    async def fill(url: str) -> None:
        database = Database(url)
        await database.migrate()
        await Settlements(database).post([posting(settled(outage(3, 10, 95)))], 1)
        await database.close()

    async def ledger(url: str) -> list[tuple[object, ...]]:
        database = Database(url)
        await database.migrate()
        async with database.read() as connection:
            rows = [tuple(r) for r in await connection.execute(select(t.ledger_entry))]
        await database.close()
        return rows

    url, empty = postgres.fresh_database(), postgres.fresh_database()
    asyncio.run(fill(url))
    backup = str(tmp_path / "backup.dump")
    plain, target = (one.replace("+asyncpg", "") for one in (url, empty))
    subprocess.run([_program("pg_dump"), "-Fc", "-f", backup, plain], check=True)
    subprocess.run([_program("pg_restore"), "-d", target, backup], check=True)

    assert asyncio.run(ledger(empty)) == asyncio.run(ledger(url))
    removing = [_program("psql"), "-qc", "DELETE FROM ledger_entry", target]
    refused = subprocess.run(removing, capture_output=True, text=True, check=False)
    assert "the ledger is append-only" in refused.stderr
