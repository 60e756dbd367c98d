"""``sla-exporter tokens``."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from sla_exporter.app import SystemClock, load
from sla_exporter.cli import options
from sla_exporter.cli.database import opened
from sla_exporter.cli.tables import table
from sla_exporter.core.periods import utc_text
from sla_exporter.ports.api import Scope
from sla_exporter.store.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sla_exporter.ports.api import Token
    from sla_exporter.settings import Config


@click.group()
def tokens() -> None:
    """Let programs and people use the API."""


@tokens.command("add")
@options.config_file
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    default=("read",),
    show_default=True,
    help="What it opens; may be given several times.",
)
def add(*, config_file: Path, name: str, scopes: tuple[str, ...]) -> None:
    """Make a token and print it once; only its hash is kept."""
    config = load(config_file)
    click.echo(asyncio.run(_add(config, name, [Scope(scope) for scope in scopes])))


@tokens.command("list")
@options.config_file
@options.output
def list_(*, config_file: Path, output: str) -> None:
    """Show the tokens that were made, and those that were revoked."""
    rows = [_row(token) for token in asyncio.run(_all(load(config_file)))]
    columns = ("NAME", "SCOPES", "MADE", "REVOKED")
    if output == "json":
        names = [column.lower() for column in columns]
        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2))
        return
    click.echo(table(columns, rows))


@tokens.command("revoke")
@options.config_file
@click.argument("name")
def revoke(*, config_file: Path, name: str) -> None:
    """Let a token open nothing any more, from the next request on."""
    asyncio.run(_revoke(load(config_file), name))
    click.echo(f"{name} is revoked.")


def _row(token: Token) -> tuple[str, str, str, str]:
    revoked = token.revoked_at_ms
    return (
        token.name,
        ", ".join(sorted(token.scopes)),
        utc_text(token.created_at_ms),
        "-" if revoked is None else utc_text(revoked),
    )


async def _add(config: Config, name: str, scopes: list[Scope]) -> str:
    async with opened(config) as database:
        return await Tokens(database).add(name, scopes, SystemClock().now_ms())


async def _all(config: Config) -> Sequence[Token]:
    async with opened(config) as database:
        return await Tokens(database).all()


async def _revoke(config: Config, name: str) -> None:
    async with opened(config) as database:
        await Tokens(database).revoke(name, SystemClock().now_ms())
