"""Fixtures that all tests share."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from sla_exporter.store.engine import Database, sqlite_url
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.fixture(autouse=True, scope="session")
def _scrubbed_environment() -> Iterator[None]:
    """Let nothing of the developer's environment into the tests."""
    kept = (
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "PYTHONPATH",
        "COVERAGE_PROCESS_START",
        "FUZZ_MUTATIONS",
        "KILL_EVERY",
        "ORACLE_FLEETS",
    )
    before = dict(os.environ)  # noqa: TID251 - the tests' own scrubbing
    os.environ.clear()  # noqa: TID251
    os.environ.update({k: v for k, v in before.items() if k in kept})  # noqa: TID251
    os.environ["TZ"] = "Asia/Kathmandu"  # noqa: TID251 - a zone that nobody assumes by accident
    time.tzset()
    yield
    os.environ.clear()  # noqa: TID251
    os.environ.update(before)  # noqa: TID251


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated database on either engine."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path / "test.db")
    else:
        url = request.getfixturevalue("postgres").fresh_database()
    database = Database(url)
    await database.migrate()
    yield database
    await database.close()


class FixedClock:
    """A clock that tests set."""

    def __init__(self, now_ms: int) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms
