"""``sla-exporter notices``: look at notices before they go, hold them back, and stop them."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import click

from sla_exporter.app import SystemClock, load
from sla_exporter.cli import options
from sla_exporter.cli.database import opened
from sla_exporter.cli.opening import login
from sla_exporter.cli.preview import preview
from sla_exporter.cli.tables import table
from sla_exporter.core.periods import utc_text
from sla_exporter.store.mailroom import WAITING, Mailroom

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sla_exporter.settings import Config
    from sla_exporter.store.mailroom import ListedNotice, Stop

T = TypeVar("T")

_COLUMNS = ("NOTICE", "CUSTOMER", "LOCALE", "STATE", "DUE", "SUBJECT")


@click.group()
def notices() -> None:
    """Look at notices before they go, hold them back, and stop them."""


notices.add_command(preview)


@notices.command("list")
@options.config_file
@options.states(WAITING)
@click.option("--customer", help="Only those to this customer, by id.")
@options.output
def list_notices(
    *, config_file: Path, states: tuple[str, ...], customer: str | None, output: str
) -> None:
    """List notices that wait, the oldest first, and what they wait for."""
    config, wanted = load(config_file), states or WAITING

    async def look(
        room: Mailroom,
    ) -> tuple[list[ListedNotice], Stop | None, dict[str, tuple[int, int]]]:
        found = await room.listed(wanted, customer)
        return found, await room.stopped(), await room.staged()

    found, stop, staged = _in_mailroom(config, look)
    if output == "json":
        listed = [_to_json(one) for one in found]
        stopped = {"by": stop.who, "why": stop.why, "at": utc_text(stop.at_ms)} if stop else None
        click.echo(
            json.dumps({"stopped": stopped, "notices": listed}, indent=2, ensure_ascii=False)
        )
        return
    if stop:
        click.echo(f"Nothing is sent: {stop.who} stopped it at {utc_text(stop.at_ms)}: {stop.why}.")
    for sink, (until_ms, count) in staged.items():
        click.echo(
            f"{count} notices to {sink} wait until {utc_text(until_ms)}, after the first few went; "
            'until then, look at those, and stop the others with "notices stop".'
        )
    click.echo(table(_COLUMNS, map(_row, found)) if found else f"Nothing is {' or '.join(wanted)}.")


@notices.command("hold")
@options.config_file
@click.argument("keys", nargs=-1, metavar="[NOTICE]...")
@click.option("--all", "everything", is_flag=True, help="All that wait.")
def hold(*, config_file: Path, keys: tuple[str, ...], everything: bool) -> None:
    """Hold notices back until they are released, by their names in the list or --all.

    For those that come later, set notices.hold. Exits with 1 if one of them does not wait any more.
    """
    wanted, now_ms = _wanted(keys, everything=everything), SystemClock().now_ms()
    moved = _in_mailroom(load(config_file), lambda room: room.hold(wanted, now_ms))
    _tell(moved, keys, "held", "does not wait to be sent")


@notices.command("release")
@options.config_file
@click.argument("keys", nargs=-1, metavar="[NOTICE]...")
@click.option("--all", "everything", is_flag=True, help="All that are held.")
def release(*, config_file: Path, keys: tuple[str, ...], everything: bool) -> None:
    """Let notices go that are held, by their names in the list or --all.

    Exits with 1 if one of them is not held.
    """
    wanted = _wanted(keys, everything=everything)
    moved = _in_mailroom(load(config_file), lambda room: room.release(wanted))
    _tell(moved, keys, "released", "is not held")


@notices.command("stop")
@options.config_file
@options.who_and_why
def stop_sending(config_file: Path, who: str | None, why: str) -> None:
    """Send no notice from now on, in any replica, until "notices resume".

    What is being handed over at this moment still goes. Credits go on.
    """
    name, now_ms = who or login() or "somebody", SystemClock().now_ms()
    _in_mailroom(load(config_file), lambda room: room.stop(name, why, now_ms))
    click.echo("No notice is sent until: sla-exporter notices resume")


@notices.command("resume")
@options.config_file
def resume(config_file: Path) -> None:
    """Send notices again."""
    was = _in_mailroom(load(config_file), Mailroom.resume)
    click.echo("Notices are sent again." if was else "It was not stopped.")


def _in_mailroom(config: Config, work: Callable[[Mailroom], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(config) as database:
            return await work(Mailroom(database))

    return asyncio.run(run())


def _wanted(keys: tuple[str, ...], *, everything: bool) -> tuple[str, ...] | None:
    if bool(keys) == everything:
        raise click.UsageError("give either names, as in notices list, or --all")
    return None if everything else keys


def _tell(moved: list[str], keys: tuple[str, ...], done: str, otherwise: str) -> None:
    click.echo(f"{len(moved)} notices were {done}.")
    missing = sorted(set(keys) - set(moved))
    for key in missing:
        click.echo(f"{key} {otherwise}.")
    sys.exit(bool(missing))


def _row(notice: ListedNotice) -> tuple[str, ...]:
    due = utc_text(notice.due_at_ms) if notice.state == "pending" else "-"
    return notice.key, notice.customer, notice.locale, notice.state, due, notice.subject


def _to_json(notice: ListedNotice) -> dict[str, object]:
    content = asdict(notice)
    return content | {
        "due_at": utc_text(content.pop("due_at_ms")),
        "created_at": utc_text(content.pop("created_at_ms")),
    }
