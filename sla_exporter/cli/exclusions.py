"""``sla-exporter exclusions``."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from sla_exporter.app import SystemClock
from sla_exporter.cli import options
from sla_exporter.cli.opening import MomentType, StretchType, login, opened, recent
from sla_exporter.cli.tables import table
from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.periods import utc_text
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.flow.exclusions import ExclusionDesk
from sla_exporter.store.exclusions import Exclusions

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.core.windows import Window
    from sla_exporter.store.engine import Database

_COLUMNS = ("EXCLUSION", "FROM", "TO", "KIND", "SPEAKS OF", "ANNOUNCED", "WHO", "WHY", "WITHDRAWN")


@click.group()
def exclusions() -> None:
    """Time that is not to count: maintenance, and what customers or higher powers caused.

    Whether it counts is for each policy to say; what is entered here is only stated.
    """


@exclusions.command("add")
@options.config_file
@click.option("--service", help="All contracts of this service.")
@click.option("--contract", help="This contract, or all contracts of this customer.")
@click.option(
    "--matcher", "matchers", multiple=True, help='Contracts whose alerts match: host="db1".'
)
@click.option(
    "--window",
    type=StretchType(),
    required=True,
    help="The time: 2026-10-03T10:00Z + 95m, or 2026-10-03T10:00Z to 2026-10-03T11:35Z.",
)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in ExclusionKind]),
    default=ExclusionKind.MAINTENANCE.value,
    show_default=True,
    help="What it is.",
)
@click.option("--announced", type=MomentType(), help="When customers were told. [default: now]")
@options.who_and_why
@options.output
def add(
    *,
    config_file: Path,
    service: str | None,
    contract: str | None,
    matchers: tuple[str, ...],
    window: Window,
    kind: str,
    announced: int | None,
    who: str | None,
    why: str,
    output: str,
) -> None:
    """Enter a window. It stays in the records for good, and may be withdrawn."""
    try:
        scope = Scope(
            service=service, contract=contract, matchers=tuple(map(Matcher.parse, matchers))
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--matcher") from None
    stated = StatedExclusion(
        key="",
        scope=scope,
        window=window,
        kind=ExclusionKind(kind),
        announced_at_ms=announced,
        who=login() if who is None else who,
        why=why,
    )
    added = asyncio.run(_add(config_file, stated))
    click.echo(json.dumps(to_json(added)) if output == "json" else f"{added.key} was entered.")


@exclusions.command("list")
@options.config_file
@options.since_until
@options.output
def list_exclusions(config_file: Path, since: int | None, until: int | None, output: str) -> None:
    """Show every window from wherever it comes: configuration, operators, silences."""
    found = asyncio.run(_list(config_file, recent(since, until)))
    if output == "json":
        click.echo(json.dumps([to_json(stated) for stated in found], indent=2, ensure_ascii=False))
        return
    click.echo(table(_COLUMNS, (_row(stated) for stated in found)))


@exclusions.command("withdraw")
@options.config_file
@click.argument("exclusion")
@options.who_and_why
def withdraw(config_file: Path, exclusion: str, who: str | None, why: str) -> None:
    """Take a window back, such as operator/12. It stays in the records and does not count."""
    asyncio.run(_withdraw(config_file, exclusion, login() if who is None else who, why))
    click.echo(f"{exclusion} was withdrawn.")


def _desk(database: Database) -> ExclusionDesk:
    return ExclusionDesk(store=Exclusions(database), clock=SystemClock())


async def _add(config_file: Path, stated: StatedExclusion) -> StatedExclusion:
    async with opened(config_file) as (config, database):
        return await _desk(database).add(config.catalogue, stated)


async def _list(config_file: Path, span: Window) -> list[StatedExclusion]:
    async with opened(config_file) as (config, database):
        return await _desk(database).listed(config.catalogue, span)


async def _withdraw(config_file: Path, key: str, who: str, why: str) -> None:
    async with opened(config_file) as (_, database):
        await _desk(database).withdraw(key, who, why)


def to_json(stated: StatedExclusion) -> dict[str, Any]:
    """Give an exclusion as plain JSON values; times in UTC."""
    withdrawn = stated.withdrawn
    return {
        "exclusion": stated.key,
        "start": utc_text(stated.window.start_ms),
        "end": utc_text(stated.window.end_ms),
        "kind": stated.kind.value,
        "service": stated.scope.service,
        "contract": stated.scope.contract,
        "matchers": [str(matcher) for matcher in stated.scope.matchers],
        "announced": _text(stated.announced_at_ms),
        "recorded": _text(stated.recorded_at_ms),
        "who": stated.who,
        "why": stated.why,
        "withdrawn": withdrawn
        and {"who": withdrawn.who, "why": withdrawn.why, "at": utc_text(withdrawn.at_ms)},
    }


def _row(stated: StatedExclusion) -> tuple[str, ...]:
    scope = stated.scope
    speaks_of = [*filter(None, (scope.service, scope.contract)), *map(str, scope.matchers)]
    return (
        stated.key,
        utc_text(stated.window.start_ms),
        utc_text(stated.window.end_ms),
        stated.kind.value,
        ", ".join(speaks_of),
        _text(stated.announced_at_ms) or "-",
        stated.who,
        stated.why,
        f"{stated.withdrawn.who}: {stated.withdrawn.why}" if stated.withdrawn else "-",
    )


def _text(at_ms: int | None) -> str | None:
    return None if at_ms is None else utc_text(at_ms)
