"""``sla-exporter reconcile``."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import click

from sla_exporter import logs
from sla_exporter.app import Engine, SystemClock, load
from sla_exporter.cli import options
from sla_exporter.cli.again import settle_anew, tell
from sla_exporter.cli.tables import table
from sla_exporter.core.due import Due, closing_in, due_periods
from sla_exporter.core.periods import Period, utc_text
from sla_exporter.core.settled import Settled
from sla_exporter.errors import NotReady
from sla_exporter.flow.again import Request
from sla_exporter.flow.decide import Verdict
from sla_exporter.notices.report import (
    COLUMNS,
    explanation,
    needs_words,
    row,
    summary,
    to_json,
)
from sla_exporter.store.engine import Database, existing_or_empty
from sla_exporter.store.memory import MemoryObservations

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.settings import Config


def _month(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    try:
        return value and Period.month(value, "UTC").label
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@options.config_file
@click.option(
    "--period",
    metavar="YYYY-MM",
    callback=_month,
    help="The month to settle. [default: every month that is due]",
)
@click.option("--dry-run", is_flag=True, help="Measure and calculate, but write and send nothing.")
@click.option("--explain", is_flag=True, help="Print the reasoning for every contract.")
@click.option("--again", is_flag=True, help="Settle the month anew, because new facts came in.")
@click.option("--by", help="With --again: who wants it; kept with the decision.")
@click.option("--reason", help="With --again: why; kept with the decision.")
@click.option(
    "--take-back",
    is_flag=True,
    help="With --again: take back what customers were told, if a second person says so too.",
)
@options.output
@options.logging
def reconcile(
    *,
    config_file: Path,
    period: str | None,
    dry_run: bool,
    explain: bool,
    again: bool,
    by: str | None,
    reason: str | None,
    take_back: bool,
    output: str,
    log_level: str,
    log_format: str,
) -> None:
    """Measure a month and settle it: who was promised what, what was measured, what is owed.

    Running it twice changes nothing. What it settles is delivered by the running service. A dry run
    measures everything anew from Prometheus, may be made of a month that has not ended, and leaves
    no trace.

    \b
      sla-exporter reconcile --period 2026-10 --dry-run
      sla-exporter reconcile --period 2026-10 --dry-run --output json
      sla-exporter reconcile --period 2026-10 --again --by Ana --reason "late maintenance notice"
    """  # noqa: D301 - click wants the character itself
    logs.configure(log_level, log_format)
    config = load(config_file)
    if again:
        if not (period and by and reason) or dry_run:
            raise click.UsageError("--again needs --period, --by and --reason, and writes")
        request = Request(verdict=Verdict(by=by, reason=reason), take_back=take_back)
        tell(asyncio.run(settle_anew(config, period, request)), output)
        return
    run = _rehearse if dry_run else _settle
    settlements, remark = asyncio.run(run(config, period))
    if output == "json":
        click.echo(json.dumps([to_json(s) for s in settlements], indent=2, ensure_ascii=False))
        return
    if settlements:
        click.echo(table(COLUMNS, (row(settlement) for settlement in settlements)))
    for settlement in settlements:
        if explain or needs_words(settlement):
            click.echo(f"\n{explanation(settlement)}")
    click.echo(f"\n{summary(settlements)}\n{remark}")


async def _rehearse(config: Config, label: str | None) -> tuple[list[Settled], str]:
    """Measure into memory and calculate."""
    database = await existing_or_empty(config.database_url)
    engine = _forgetful(config, database)
    try:
        now_ms = engine.clock.now_ms()
        due = _asked_for(config, label, now_ms) if label else _last_closed(config, now_ms)
        running = sorted({item.period.label for item in due if _is_open(item, config, now_ms)})
        await engine.observe(label)
        settlements = await engine.reconciler.rehearse(
            config.catalogue, due, now_ms, final=not running
        )
        found = [Settled.of(settlement) for settlement in settlements]
    finally:
        engine.close()
        await database.close()
    remark = "Dry run: nothing was written."
    if running:
        remark += f" {', '.join(running)} is still open; this is how it stands as of now."
    return found, remark


def _forgetful(config: Config, database: Database) -> Engine:
    """Wire an engine that measures everything anew and keeps nothing of it."""
    return Engine.of(
        config,
        database,
        clock=SystemClock(),
        observations=MemoryObservations(),
        progress=options.TerminalProgress(),
    )


async def _settle(config: Config, label: str | None) -> tuple[list[Settled], str]:
    """Measure into the database, calculate and post."""
    database = Database(config.database_url)
    engine = Engine.of(config, database, clock=SystemClock(), progress=options.TerminalProgress())
    try:
        await database.migrate()
        now_ms = engine.clock.now_ms()
        settlements = engine.reconciler.settlements
        if label:
            due = _asked_for(config, label, now_ms)
            _refuse_open(config, due, now_ms)
            final = await settlements.final([item.key for item in due])
            due = [item for item in due if item.key not in final]
        else:
            latest = await settlements.latest()
            due = list(due_periods(config.catalogue, latest, now_ms, config.settle_after_ms))
        await engine.observe(label)
        await engine.take_silences()
        await engine.repair()
        found: list[Settled] = []
        order = {item.key: number for number, item in enumerate(due)}
        written = 0
        async for posted in engine.reconciler.settle(config.catalogue, due, now_ms):
            written += posted.written
            found.extend(Settled.of(settlement) for settlement in posted.settlements)
        found.sort(key=lambda one: order[one.key])
    finally:
        engine.close()
        await database.close()
    if not due:
        return found, "Nothing is due: every closed period is settled already."
    waiting = len(due) - len(found)
    remark = f"{written} settlements were written."
    return found, remark + (f" {waiting} wait until they are measured." if waiting else "")


def _asked_for(config: Config, label: str, now_ms: int) -> list[Due]:
    due = list(closing_in(config.catalogue, label))
    if due and all(item.period.span.start_ms >= now_ms for item in due):
        raise NotReady(f"{label} has not begun")
    return due


def _last_closed(config: Config, now_ms: int) -> list[Due]:
    return list(due_periods(config.catalogue, {}, now_ms, config.settle_after_ms))


def _is_open(item: Due, config: Config, now_ms: int) -> bool:
    return item.period.step.end_ms + config.settle_after_ms > now_ms


def _refuse_open(config: Config, due: list[Due], now_ms: int) -> None:
    ready_ms = max((item.period.step.end_ms for item in due), default=0) + config.settle_after_ms
    if now_ms < ready_ms:
        raise NotReady(
            f"{due[0].period.label} can be settled from {utc_text(ready_ms)} on (settle_after); "
            "add --dry-run to see how it stands now"
        )
