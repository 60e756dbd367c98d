"""``sla-exporter reconcile --again``: what became of every contract's period."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from sla_exporter.app import Engine, SystemClock
from sla_exporter.cli import options
from sla_exporter.cli.database import opened
from sla_exporter.cli.tables import table
from sla_exporter.core.due import closing_in, needed_from_ms
from sla_exporter.errors import SourceError
from sla_exporter.flow.again import Fate, Reviser
from sla_exporter.notices.report import worth
from sla_exporter.store.memory import MemoryObservations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.due import Due
    from sla_exporter.flow.again import Request, Review
    from sla_exporter.ports.measuring import ObservationStore
    from sla_exporter.settings import Config
    from sla_exporter.store.engine import Database


async def settle_anew(config: Config, label: str, request: Request) -> list[Review]:
    """Measure what closed in a month anew, and settle it by that.

    Where the server has dropped samples since, what was measured while it had them stands, and only
    what was unknown is read again.
    """
    async with opened(config) as database:
        due = list(closing_in(config.catalogue, label))
        memory = MemoryObservations()
        engine = _engine(config, database, memory)
        try:
            if not await _measured_anew(engine, memory, label):
                await asyncio.to_thread(engine.close)
                engine = _engine(config, database)
                await _read_late(engine, due)
            reviser = Reviser(reconciler=engine.reconciler)
            return await reviser.revise(config.catalogue, due, request, engine.clock.now_ms())
        finally:
            await asyncio.to_thread(engine.close)


def _engine(
    config: Config, database: Database, observations: ObservationStore | None = None
) -> Engine:
    return Engine.of(
        config,
        database,
        clock=SystemClock(),
        observations=observations,
        progress=options.TerminalProgress(),
    )


async def _measured_anew(engine: Engine, store: ObservationStore, label: str) -> bool:
    """Measure everything that the month's periods need; say whether all of it could be read."""
    try:
        await engine.observe(label)
    except SourceError as error:
        click.echo(f"{error}; settled by what was measured before.", err=True)
        return False
    config, now_ms = engine.config, engine.clock.now_ms()
    for name in config.catalogue.services:
        from_ms = needed_from_ms(config.catalogue, name, now_ms, config.settle_after_ms, label)
        mark = await store.watermark(name)
        if from_ms is not None and (mark is None or mark.from_ms > from_ms or mark.unread):
            return False
    return True


async def _read_late(engine: Engine, due: Sequence[Due]) -> None:
    with suppress(SourceError):  # which was told already
        await engine.read_late(due)


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
    if Fate.OFFERED in fates:
        click.echo("What customers were offered they can claim; settle anew once they did.")
    if Fate.ASKED in fates:
        click.echo("A second person must say the same before anything is taken back.")
