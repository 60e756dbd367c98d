"""What commands share that work on the database of a configuration."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sla_exporter.store.engine import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sla_exporter.settings import Config


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Database]:
    """Open the database, with its tables up to date, and close it again."""
    database = Database(config.database_url)
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()
