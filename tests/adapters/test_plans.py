"""What the service asks again and again reads no table whole that grows for years."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from sla_exporter.store.claims import Claims
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.outbox import DatabaseOutbox
from sla_exporter.store.settlements import Settlements

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

GROWING = {"settlement", "outbox", "notice", "incident", "webhook_request", "told_outage"}
ASKED: dict[str, Callable[[Database], Awaitable[object]]] = {
    "a scrape": lambda database: DatabaseFigures(database).figures(),
    "deliveries": lambda database: DatabaseOutbox(database).claim("me", 10, 1, 10),
    "overdue claims": lambda database: Claims(database).overdue(10, 10),
    "reminders": lambda database: Claims(database).to_remind(10, 10, ""),
    "held credits": lambda database: Settlements(database).held(),
}


@pytest.fixture
async def sqlite(tmp_path) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path / "test.db"))
    await database.migrate()
    yield database
    await database.close()


@pytest.mark.parametrize("name", ASKED)
async def test_tables_that_grow_are_searched(sqlite, name):
    """By an index, as SQLite plans it."""
    asked: list[tuple[str, object]] = []
    event.listen(
        sqlite.engine.sync_engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, parameters, *_: asked.append((statement, parameters)),
    )

    await ASKED[name](sqlite)

    queries = [(text, given) for text, given in asked if text.lstrip().startswith("SELECT")]
    plans: list[str] = []
    async with sqlite.read() as connection:
        for text, given in queries:
            found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)
            plans.extend(row.detail for row in found)
    assert len(plans) >= len(queries) > 0
    scanned = [plan for plan in plans if plan.startswith("SCAN") and plan.split()[1] in GROWING]
    assert scanned == []
