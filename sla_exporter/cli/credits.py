"""``sla-exporter credits``."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sla_exporter.app import Engine, SystemClock, load
from sla_exporter.cli import options
from sla_exporter.cli.database import opened
from sla_exporter.cli.tables import table
from sla_exporter.core.money import Money
from sla_exporter.errors import DecisionRefused
from sla_exporter.flow.decide import Verdict
from sla_exporter.notices.report import held_json, worth
from sla_exporter.settings.quantities import parse_money

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sla_exporter.core.settled import Settled
    from sla_exporter.settings import Config

F = TypeVar("F", bound="Callable[..., Any]")


@click.group("credits")
def credits_() -> None:
    """Decide about credits that wait for a person."""


def _decision(command: F) -> F:
    """Add what every decision needs: who makes it, and why."""
    by = click.option("--by", required=True, help="Who decides; kept with the decision.")
    reason = click.option("--reason", required=True, help="Why; kept with the decision.")
    return by(reason(command))


_all = click.option("--all", "everything", is_flag=True, help="Everything that is held.")


@credits_.command("list")
@options.config_file
@options.output
def list_(*, config_file: Path, output: str) -> None:
    """Show what is held: groups of one cause first, with their totals.

    The name of a group, or of a single credit, is what approve, reject and adjust take.
    """
    held = asyncio.run(_held(load(config_file)))
    if output == "json":
        click.echo(json.dumps([held_json(one) for one in held], indent=2, ensure_ascii=False))
        return
    if not held:
        click.echo("Nothing is held.")
        return
    groups = _groups(held)
    if groups:
        click.echo(f"{table(('GROUP', 'CREDITS', 'TOTAL'), groups)}\n")
    single = [one for one in held if not one.group]
    if single:
        rows = ((one.key, ", ".join(one.holds), worth(one)) for one in single)
        click.echo(table(("CREDIT", "HELD FOR", "WORTH"), rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What is to be done with which credits; no names are all of them."""

    done: str
    names: tuple[str, ...]
    verdict: Verdict
    credit: Money | None = None


@credits_.command("approve")
@options.config_file
@click.argument("names", nargs=-1)
@_all
@_decision
@options.output
def approve(
    *,
    config_file: Path,
    names: tuple[str, ...],
    everything: bool,
    by: str,
    reason: str,
    output: str,
) -> None:
    """Release held credits: they are posted, and customers are told."""
    _check_names(names, everything=everything)
    wish = _Wish(done="approved", names=names, verdict=Verdict(by=by, reason=reason))
    _decide(wish, config_file, output)


@credits_.command("reject")
@options.config_file
@click.argument("names", nargs=-1)
@_all
@_decision
@options.output
def reject(
    *,
    config_file: Path,
    names: tuple[str, ...],
    everything: bool,
    by: str,
    reason: str,
    output: str,
) -> None:
    """Let nothing come of held credits; their reasoning is kept."""
    _check_names(names, everything=everything)
    wish = _Wish(done="rejected", names=names, verdict=Verdict(by=by, reason=reason))
    _decide(wish, config_file, output)


@credits_.command("adjust")
@options.config_file
@click.argument("name")
@click.option("--credit", required=True, help="The amount instead, as in EUR 12.50.")
@_decision
@options.output
def adjust(*, config_file: Path, name: str, credit: str, by: str, reason: str, output: str) -> None:
    """Release one held credit with another amount."""
    try:
        money = parse_money(credit)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--credit") from None
    verdict = Verdict(by=by, reason=reason)
    wish = _Wish(done="adjusted", names=(name,), verdict=verdict, credit=money)
    _decide(wish, config_file, output)


def _check_names(names: tuple[str, ...], *, everything: bool) -> None:
    if bool(names) == everything:
        raise click.UsageError("name credits or groups, or give --all")


def _decide(wish: _Wish, config_file: Path, output: str) -> None:
    held, done = asyncio.run(_carry_out(load(config_file), wish))
    if output == "json":
        found = {wish.done: done, "credits": [one.key for one in held]}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{done} {wish.done}: {wish.credit or _total(held)}.")


async def _carry_out(config: Config, wish: _Wish) -> tuple[list[Settled], int]:
    async with opened(config) as database:
        clock = SystemClock()
        engine = Engine.of(config, database, clock=clock, progress=options.TerminalProgress())
        try:
            decider, names = engine.decider, wish.names
            held = await decider.named(names) if names else list(await decider.settlements.held())
            now_ms = clock.now_ms()
            if wish.credit is not None:
                if len(held) != 1:
                    raise DecisionRefused("another amount can be given to one credit at a time")
                only, credit = held[0], wish.credit
                done = await decider.adjust(only, credit, config.catalogue, wish.verdict, now_ms)
            else:
                act = decider.approve if wish.done == "approved" else decider.reject
                done = await act(held, config.catalogue, wish.verdict, now_ms)
        finally:
            engine.close()
    return held, done


async def _held(config: Config) -> list[Settled]:
    async with opened(config) as database:
        engine = Engine.of(config, database, clock=SystemClock())
        try:
            return list(await engine.reconciler.settlements.held())
        finally:
            engine.close()


def _groups(held: list[Settled]) -> list[tuple[str, str, str]]:
    found: dict[str, list[Settled]] = defaultdict(list)
    for one in held:
        if one.group:
            found[one.group].append(one)
    return [(name, str(len(ones)), _total(ones)) for name, ones in sorted(found.items())]


def _total(settled: list[Settled]) -> str:
    sums: Counter[str] = Counter()
    for one in settled:
        sums[one.credit.currency] += one.credit.minor
    money = (Money(minor=minor, currency=currency) for currency, minor in sorted(sums.items()))
    return ", ".join(map(str, money))
