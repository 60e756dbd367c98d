"""Options that several commands share, named as Prometheus names its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sla_exporter import logs
from sla_exporter.cli.opening import MomentType
from sla_exporter.store.deliveries import STATES

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def config_file(command: F) -> F:
    """Add ``--config.file``."""
    return click.option(
        "--config.file",
        "config_file",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("sla-exporter.yml"),
        show_default=True,
        help="The configuration file.",
    )(command)


def logging(command: F) -> F:
    """Add ``--log.level`` and ``--log.format``."""
    level = click.option(
        "--log.level",
        "log_level",
        type=click.Choice(logs.LEVELS),
        default="info",
        show_default=True,
        help="Only log what is at least as grave.",
    )
    form = click.option(
        "--log.format",
        "log_format",
        type=click.Choice(logs.FORMATS),
        default="logfmt",
        show_default=True,
        help="How log lines are written.",
    )
    return level(form(command))


def states(default: tuple[str, ...]) -> Callable[[F], F]:
    """Add ``--state``: which orders to list; ``default`` only says what no choice means."""
    return click.option(
        "--state",
        "states",
        type=click.Choice(STATES),
        multiple=True,
        help="Only those in this state; may be given more than once. "
        f"[default: {', '.join(default)}]",
    )


def output(command: F) -> F:
    """Add ``--output``."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="A table for people, or JSON for programs.",
    )(command)


def who_and_why(command: F) -> F:
    """Add ``--who`` and ``--why``."""
    who = click.option("--who", help="Who decides it. [default: the login name]")
    why = click.option("--why", required=True, help="The reason; customers may read it.")
    return who(why(command))


def since_until(command: F) -> F:
    """Add ``--since`` and ``--until``."""
    since = click.option("--since", type=MomentType(), help="From when. [default: 31 days ago]")
    until = click.option("--until", type=MomentType(), help="Until when. [default: in 31 days]")
    return since(until(command))


class TerminalProgress:
    """Shows progress in one line of a terminal, and nothing where there is no terminal."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._written = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show ``what: done/total``; the line goes when all is done."""
        if not self._shows:
            return
        line = f"{what}: {done}/{total}"
        if done >= total:
            line = " " * self._written + "\r"
        click.echo(f"\r{line:<{self._written}}", nl=False, err=True)
        self._written = len(line)
