"""``sla-exporter billing``."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sla_exporter import logs
from sla_exporter.app import SystemClock, load
from sla_exporter.cli import options
from sla_exporter.cli.tables import table
from sla_exporter.outward import reader_of, sinks_of
from sla_exporter.store.engine import Database

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.flow.readback import Checked
    from sla_exporter.settings import Config

_COLUMNS = ("SINK", "ACCOUNT", "REFERENCE", "DIFFERENCE", "")


@click.group()
def billing() -> None:
    """Compare billing systems with the ledger."""


@billing.command("reconcile")
@options.config_file
@options.output
@options.logging
def reconcile_billing(config_file: Path, output: str, log_level: str, log_format: str) -> None:
    """Read every billing system back, and say where it differs from the ledger.

    Every credit that was delivered must stand there once, with its amount; and no credit of ours
    may stand there that the ledger does not know. Changes nothing. Exits with 1 if anything
    differs or could not be read. The service does the same by itself (schedule.billing).
    """
    logs.configure(log_level, log_format)
    checked = asyncio.run(_check(load(config_file)))
    if output == "json":
        click.echo(json.dumps([asdict(one) for one in checked], indent=2, ensure_ascii=False))
    else:
        click.echo(_in_words(checked))
    sys.exit(any(one.differences or one.trouble for one in checked))


async def _check(config: Config) -> list[Checked]:
    database, clock = Database(config.database_url), SystemClock()
    sinks = sinks_of(config, clock)
    try:
        await database.migrate()
        reader = reader_of(config, database, sinks, clock, options.TerminalProgress())
        return await reader.check_all()
    finally:
        await sinks.close()
        await database.close()


def _in_words(checked: list[Checked]) -> str:
    rows = [
        (one.sink, one.account, one.reference, one.kind, one.sentence)
        for found in checked
        for one in found.differences
    ]
    lines = [table(_COLUMNS, rows), ""] if rows else []
    lines += [f"{one.sink}: {remark}" for one in checked for remark in one.remarks]
    return "\n".join([*lines, *map(_summary, checked)]) or "No billing system is configured."


def _summary(checked: Checked) -> str:
    if checked.trouble:
        return f"{checked.sink}: it was not read: {checked.trouble}"
    if checked.credits is None:
        return f"{checked.sink}: it cannot tell what stands there."
    return (
        f"{checked.sink}: {checked.credits} credits of ours in {checked.accounts} accounts, "
        f"{len(checked.differences)} differences."
    )
