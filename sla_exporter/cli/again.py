"""``sla-exporter reconcile --again``: what became of every contract's period."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from sla_exporter.app import Engine, SystemClock
from sla_exporter.cli import options
from sla_exporter.cli.database import opened
from sla_exporter.cli.tables import table
from sla_exporter.core.due import closing_in
from sla_exporter.flow.again import Fate, Reviser
from sla_exporter.notices.report import worth

if TYPE_CHECKING:
    from sla_exporter.flow.again import Request, Review
    from sla_exporter.settings import Config


async def settle_anew(config: Config, label: str, request: Request) -> list[Review]:
    """Read late samples, and settle what closed in a month anew."""
    async with opened(config) as database:
        engine = Engine.of(
            config, database, clock=SystemClock(), progress=options.TerminalProgress()
        )
        try:
            due = list(closing_in(config.catalogue, label))
            await engine.read_late(due)
            reviser = Reviser(reconciler=engine.reconciler)
            return await reviser.revise(config.catalogue, due, request, engine.clock.now_ms())
        finally:
            await asyncio.to_thread(engine.close)


def tell(reviews: list[Review], output: str) -> None:
    """Print what became of every period."""
    rows = [(one.before.key, worth(one.before), worth(one.after), one.fate) for one in reviews]
    if output == "json":
        names = ("settlement", "before", "after", "outcome")
        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2))
        return
    changed = [row for row in rows if row[3] is not Fate.SAME]
    if changed:
        click.echo(f"{table(('SETTLEMENT', 'BEFORE', 'ANEW', 'OUTCOME'), changed)}\n")
    click.echo(f"{len(rows)} settled periods looked at; {len(changed)} are different.")
    fates = {one.fate for one in reviews}
    if Fate.LEFT in fates:
        click.echo("What customers would lose stays with them; --take-back asks two people.")
    if Fate.ASKED in fates:
        click.echo("A second person must say the same before anything is taken back.")
