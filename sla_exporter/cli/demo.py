"""``sla-exporter demo``."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sla_exporter.cli.tables import table
from sla_exporter.demo.story import HEADINGS, echo, folder_for, play

if TYPE_CHECKING:
    from sla_exporter.demo.stage import Stage
    from sla_exporter.demo.story import Outcome

_GONE = (
    "Nothing of this stays. To look at the notices afterwards, name a folder: "
    "sla-exporter demo --once --folder FOLDER"
)


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
        show = partial(_show, once=once, kept=folder is not None)
        asyncio.run(play(stage, echo, after=show))


async def _show(outcome: Outcome, *, once: bool, kept: bool) -> None:
    click.echo(f"\n{table(HEADINGS, outcome.rows())}\n\n{outcome.live()}\n")
    click.echo(f"Why, for example:\n{outcome.example()}\n")
    # Nothing is shown that is gone when the reader comes to it.
    links = [*([] if once else _servers(outcome.stage)), *_files(outcome.stage)]
    if once and not kept:
        click.echo(_GONE)
        links = []
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


def _servers(stage: Stage) -> list[tuple[str, str]]:
    """Name what listens while the demo is up."""
    return [
        ("sla-exporter", f"{stage.service.url}/"),
        ("its metrics", f"{stage.service.url}/metrics"),
        ("Prometheus", f"{stage.prometheus.url}/api/v1/query?query=probe_success"),
        ("Alertmanager", f"{stage.alertmanager.url}/api/v2/alerts"),
    ]


def _files(stage: Stage) -> list[tuple[str, str]]:
    """Name what lies in the folder."""
    return [
        ("notices and credits", str(stage.outbox)),
        ("its configuration", str(stage.config_file)),
    ]
