"""``sla-exporter ledger``."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import click

from sla_exporter.app import load
from sla_exporter.cli import options
from sla_exporter.cli.database import opened
from sla_exporter.cli.tables import table
from sla_exporter.core.money import Money
from sla_exporter.notices.books import FORMATS
from sla_exporter.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.core.audit import Audit, Balance
    from sla_exporter.settings import Config


@click.group()
def ledger() -> None:
    """Read the ledger and check that nobody changed it."""


@ledger.command("export")
@options.config_file
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="csv",
    show_default=True,
    help="How entries are written.",
)
def export(*, config_file: Path, form: str) -> None:
    """Write every entry to standard output, from the first one on."""
    asyncio.run(_export(load(config_file), form))


@ledger.command("verify")
@options.config_file
@options.output
def verify(*, config_file: Path, output: str) -> None:
    """Check the chain, the balances, and every entry against its settlement.

    Exits with 1 if anything was changed, removed or added behind our back.
    """
    audit = asyncio.run(_audit(load(config_file)))
    if output == "json":
        found = {"entries": audit.entries, "head": audit.head, "problems": audit.problems}
        click.echo(json.dumps(found, indent=2))
    else:
        for problem in audit.problems:
            click.echo(f"{click.style('WRONG', fg='red')}: {problem}")
        click.echo(f"{audit.entries} entries; {len(audit.problems)} are wrong; head {audit.head}")
    sys.exit(bool(audit.problems))


@ledger.command("balance")
@options.config_file
@options.output
def balance(*, config_file: Path, output: str) -> None:
    """Show what each customer was credited, and what is carried for the next credit."""
    rows = _by_customer(asyncio.run(_balances(load(config_file))))
    if output == "json":
        names = ("customer", "currency", "credited", "carried")
        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2))
        return
    click.echo(table(("CUSTOMER", "CURRENCY", "CREDITED", "CARRIED"), rows))


def _by_customer(balances: list[Balance]) -> list[tuple[str, str, str, str]]:
    sums: dict[tuple[str, str], list[int]] = {}
    for one in balances:
        found = sums.setdefault((one.customer, one.currency), [0, 0])
        found[0] += one.credited_minor
        found[1] += one.carried_minor
    return [
        (customer, currency, *(str(Money(minor=m, currency=currency).amount) for m in minors))  # type: ignore[misc]
        for (customer, currency), minors in sums.items()
    ]


async def _export(config: Config, form: str) -> None:
    write = FORMATS[form]()
    async with opened(config) as database:
        async for line in Reader(database).lines():
            for text in write(line):
                click.echo(text)


async def _audit(config: Config) -> Audit:
    async with opened(config) as database:
        return await Reader(database).audit()


async def _balances(config: Config) -> list[Balance]:
    async with opened(config) as database:
        return await Reader(database).balances()
