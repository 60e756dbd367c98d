"""``sla-exporter demo``."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sla_exporter.cli.tables import table
from sla_exporter.demo.story import HEADINGS, echo, folder_for, play

if TYPE_CHECKING:
    from sla_exporter.demo.story import Outcome


@click.command()
@click.option(
    "--once",
    is_flag=True,
    envvar="DEMO_ONCE",
    help="End by itself, with one JSON object as the last line. [also: DEMO_ONCE=1]",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Play in this folder and keep it. [default: a temporary one]",
)
def demo(*, once: bool, folder: Path | None) -> None:
    """Show the whole thing on real servers, with made-up customers.

    Starts a real Prometheus with last month's history, a real Alertmanager, a blackbox exporter and
    the service; settles last month; takes a local site down for some seconds; and shows what came
    of it. Everything listens on loopback only and is gone at the end.
    """
    click.echo("sla-exporter demo: last month settled, and an outage live", err=True)
    with folder_for(folder) as stage:
        asyncio.run(play(stage, echo, after=lambda outcome: _show(outcome, once=once)))


async def _show(outcome: Outcome, *, once: bool) -> None:
    click.echo(f"\n{table(HEADINGS, outcome.rows())}\n")
    click.echo(f"Why, for example:\n{outcome.example()}\n")
    stage = outcome.stage
    links = (
        ("sla-exporter", f"{stage.service.url}/"),
        ("its metrics", f"{stage.service.url}/metrics"),
        ("Prometheus", f"{stage.prometheus.url}/api/v1/query?query=probe_success"),
        ("Alertmanager", f"{stage.alertmanager.url}/api/v2/alerts"),
        ("notices and credits", str(stage.outbox)),
        ("its configuration", str(stage.config_file)),
    )
    for name, target in links:
        click.echo(f"  {name:<20} {target}")
    if once:
        click.echo(f"\n{outcome.to_json()}")
        return
    click.echo("\nEverything stays up until Ctrl-C.")
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
