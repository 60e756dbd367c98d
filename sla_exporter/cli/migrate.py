"""``sla-exporter migrate``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from sla_exporter.app import load
from sla_exporter.cli import options
from sla_exporter.store.engine import Database

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@options.config_file
def migrate(config_file: Path) -> None:
    """Create the database or bring its tables up to date; "serve" does so by itself."""
    asyncio.run(_migrate(load(config_file).database_url))
    click.echo("The database is up to date.")


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await database.migrate()
    finally:
        await database.close()
