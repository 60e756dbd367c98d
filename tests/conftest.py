"""Fixtures that all tests share."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from sla_exporter.store.engine import Database, sqlite_url
from tests.pgbouncer import PgBouncer
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
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
        "STORES",
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


@pytest.fixture(scope="session")
def pgbouncer(postgres: PostgresServer) -> Iterator[PgBouncer]:
    """A real PgBouncer before that server."""
    with PgBouncer(postgres) as pooler:
        yield pooler


SQLITE, ASYNCPG, PSYCOPG = "sqlite", "postgresql", "psycopg"
POOLED = {"pgbouncer": ASYNCPG, "psycopg-pgbouncer": PSYCOPG}
EVERY_STORE = (SQLITE, ASYNCPG, PSYCOPG, *POOLED)
EVERY_SERVER = (ASYNCPG, PSYCOPG, "pgbouncer")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of the store on both databases; those of modules that say so in every way."""
    by_hand = any(m.args[0] == "database" for m in metafunc.definition.iter_markers("parametrize"))
    is_ours = not hasattr(metafunc.module, "database")
    if "database" in metafunc.fixturenames and is_ours and not by_hand:
        wanted = getattr(metafunc.module, "STORES", (SQLITE, ASYNCPG))
        stores = EVERY_STORE if os.getenv("STORES") == "all" else wanted  # noqa: TID251
        metafunc.parametrize("database", stores, indirect=True)


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Create an empty database and say how it is reached."""

    def create(store: str) -> str:
        if store == SQLITE:
            return sqlite_url(tmp_path / "test.db")
        url: str = request.getfixturevalue("postgres").fresh_database()
        if store in POOLED:
            url = request.getfixturevalue("pgbouncer").before(url)
        by = POOLED.get(store, store)
        return url.replace("+asyncpg", "+psycopg") if by == PSYCOPG else url

    return create


@pytest.fixture
async def database(
    request: pytest.FixtureRequest, store_url: Callable[[str], str]
) -> AsyncIterator[Database]:
    """A migrated database of the kind that the test runs on."""
    database = Database(store_url(request.param))
    await database.migrate()
    yield database
    await database.close()


class FixedClock:
    """A clock that tests set."""

    def __init__(self, now_ms: int) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms
