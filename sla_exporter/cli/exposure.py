"""``sla-exporter exposure``."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from sla_exporter.app import load
from sla_exporter.cli import options
from sla_exporter.cli.database import opened
from sla_exporter.cli.tables import table
from sla_exporter.core.money import Money, Rounding, round_fraction
from sla_exporter.notices.formats import plain
from sla_exporter.store.figures import DatabaseFigures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sla_exporter.ports.figures import Standing
    from sla_exporter.settings import Config

_COLUMNS = ("CONTRACT", "POLICY", "PERIOD", "NOW", "COSTS A MINUTE", "MORE AFTER", "THEN")


@click.command()
@options.config_file
@click.option("--every", is_flag=True, help="Show contracts too that cost nothing so far.")
@options.output
def exposure(*, config_file: Path, every: bool, output: str) -> None:
    """Show what the open periods would cost as of now, and what comes next.

    A running outage costs so much a minute, over the next hour; after so much more downtime the
    credit rises. The figures are those of the last run of the service.
    """
    standings = asyncio.run(_standings(load(config_file)))
    shown = [one for one in standings if every or one.credit_minor or one.is_down]
    shown.sort(key=lambda one: (not one.is_down, one.currency, -one.credit_minor, one.contract))
    if output == "json":
        click.echo(json.dumps([exposure_json(one) for one in shown], indent=2))
        return
    if shown:
        click.echo(f"{table(_COLUMNS, map(_row, shown))}\n")
    for policy, total in _totals(standings):
        click.echo(f"{policy}: {total} if nothing more happens")


def exposure_json(standing: Standing) -> dict[str, Any]:
    """Give the exposure of a contract as plain JSON values."""

    def money(minor: int | None) -> str | None:
        return None if minor is None else str(_money(minor, standing).amount)

    after = standing.next_after_ms
    return {
        "contract": standing.contract,
        "customer": standing.customer,
        "service": standing.service,
        "policy": standing.policy,
        "period": standing.period,
        "currency": standing.currency,
        "credit": money(standing.credit_minor),
        "is_down": standing.is_down,
        "next_hour": money(standing.per_hour_minor),
        "next_after_s": None if after is None else after / 1000,
        "next_credit": money(standing.next_credit_minor),
    }


def _row(standing: Standing) -> tuple[str, ...]:
    formats = plain()
    after = standing.next_after_ms
    per_minute = round_fraction(Fraction(standing.per_hour_minor, 60), Rounding.HALF_UP)
    running = str(_money(per_minute, standing)) if standing.is_down else "-"
    then = standing.next_credit_minor
    return (
        standing.contract,
        standing.policy,
        standing.period,
        str(_money(standing.credit_minor, standing)),
        running,
        "-" if after is None else formats.duration(after // 1000 * 1000),  # a table for people
        "-" if then is None else str(_money(then, standing)),
    )


def _totals(standings: Sequence[Standing]) -> list[tuple[str, Money]]:
    sums: Counter[tuple[str, str]] = Counter()
    for one in standings:
        sums[one.policy, one.currency] += one.credit_minor
    return [(policy, Money(minor=m, currency=c)) for (policy, c), m in sorted(sums.items())]


def _money(minor: int, standing: Standing) -> Money:
    return Money(minor=minor, currency=standing.currency)


async def _standings(config: Config) -> list[Standing]:
    async with opened(config) as database:
        return list((await DatabaseFigures(database).figures()).standings)
