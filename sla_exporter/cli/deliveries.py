"""``sla-exporter deliveries``."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import click

from sla_exporter.app import SystemClock, load
from sla_exporter.cli import options
from sla_exporter.cli.tables import table
from sla_exporter.core.periods import utc_text
from sla_exporter.store.deliveries import Deliveries
from sla_exporter.store.engine import Database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sla_exporter.ports.delivery import Delivery

T = TypeVar("T")

_LISTED = ("pending", "parked")
_COLUMNS = ("KEY", "CUSTOMER", "STATE", "TRIES", "NEXT", "WHY")


@click.group()
def deliveries() -> None:
    """Show what waits to be delivered or was given up, and try again."""


@deliveries.command("list")
@options.config_file
@options.states(_LISTED)
@click.option("--sink", help="Only those for this sink.")
@options.output
def list_deliveries(
    config_file: Path, states: tuple[str, ...], sink: str | None, output: str
) -> None:
    """List deliveries, the oldest first, each with the reason why it is not delivered."""
    wanted = states or _LISTED
    found = _with_store(config_file, lambda store: store.listed(wanted, sink))
    if output == "json":
        click.echo(json.dumps([_to_json(one) for one in found], indent=2, ensure_ascii=False))
    elif found:
        click.echo(table(_COLUMNS, map(_row, found)))
    else:
        click.echo(f"There is nothing {' or '.join(wanted)}.")


@deliveries.command("retry")
@options.config_file
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "everything", is_flag=True, help="Everything that was given up.")
@click.option("--sink", help="Only those for this sink.")
@options.output
def retry_deliveries(
    *, config_file: Path, keys: tuple[str, ...], everything: bool, sink: str | None, output: str
) -> None:
    """Let the running service try deliveries again at once, by their keys or --all.

    A credit is looked for in the billing system before it is sent, so this never enters one twice.
    Exits with 1 if a key is of no delivery that waits or was given up.
    """
    if bool(keys) == everything:
        raise click.UsageError("give either keys, as in deliveries list, or --all")
    now_ms = SystemClock().now_ms()
    wanted = None if everything else keys
    found = _with_store(config_file, lambda store: store.retry(wanted, sink, now_ms))
    missing = sorted(set(keys) - set(found))
    if output == "json":
        click.echo(json.dumps({"retried": found, "not_found": missing}, indent=2))
    else:
        click.echo(f"{len(found)} deliveries are due now.")
        for key in missing:
            click.echo(f"There is no delivery {key} that waits or was given up.")
    sys.exit(bool(missing))


def _with_store(config_file: Path, work: Callable[[Deliveries], Awaitable[T]]) -> T:
    async def run() -> T:
        database = Database(load(config_file).database_url)
        try:
            await database.migrate()
            return await work(Deliveries(database))
        finally:
            await database.close()

    return asyncio.run(run())


def _row(delivery: Delivery) -> tuple[str, ...]:
    return (
        delivery.key,
        delivery.customer,
        delivery.state,
        str(delivery.attempts),
        utc_text(delivery.due_at_ms) if delivery.state == "pending" else "-",
        delivery.error or delivery.reference or "",
    )


def _to_json(delivery: Delivery) -> dict[str, object]:
    content = asdict(delivery)
    return content | {"due_at": utc_text(content.pop("due_at_ms"))}
