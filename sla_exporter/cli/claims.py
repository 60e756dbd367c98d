"""``sla-exporter claims``."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import click

from sla_exporter.app import Engine, SystemClock
from sla_exporter.claim_desk import desk_of
from sla_exporter.cli import options
from sla_exporter.cli.opening import MomentType, StretchType, login, opened
from sla_exporter.cli.tables import table
from sla_exporter.core.claims import Channel, ClaimResult, StatedClaim
from sla_exporter.core.periods import utc_text
from sla_exporter.errors import UnknownName
from sla_exporter.notices.report import claim_json, worth
from sla_exporter.store.claims import Claims

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.core.claims import JudgedClaim
    from sla_exporter.core.settled import Settled
    from sla_exporter.core.windows import Window
    from sla_exporter.ports.claims import ListedClaim

_COLUMNS = ("CLAIM", "RECEIVED", "SETTLEMENT", "CHANNEL", "BY", "RESULT", "STATE")
_PAGE = 1_000


@click.group()
def claims() -> None:
    """Credits that customers must ask for: their claims, and what came of each."""


@claims.command("list")
@options.config_file
@click.option("--contract", help="Only claims of this contract.")
@click.option(
    "--result",
    type=click.Choice([result.value for result in ClaimResult]),
    help="Only claims of which this came.",
)
@options.output
def list_(*, config_file: Path, contract: str | None, result: str | None, output: str) -> None:
    """Show claims, the oldest first."""
    wanted = {"contract": contract, "result": result}
    filters = {name: value for name, value in wanted.items() if value}
    found = asyncio.run(_listed(config_file, filters))
    if output == "json":
        click.echo(json.dumps([_json(one) for one in found], indent=2, ensure_ascii=False))
        return
    click.echo(table(_COLUMNS, map(_row, found)) if found else "Nothing was claimed.")


@claims.command("waiting")
@options.config_file
@options.output
def waiting(*, config_file: Path, output: str) -> None:
    """Show what customers were told that they can claim, and have not claimed."""
    found = asyncio.run(_waiting(config_file))
    rows = [(one.key, one.customer, worth(one), _until(one)) for one in found]
    if output == "json":
        names = ("settlement", "customer", "worth", "until")
        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2))
        return
    names = ("SETTLEMENT", "CUSTOMER", "WORTH", "TO BE CLAIMED BEFORE")
    click.echo(table(names, rows) if rows else "Nothing waits for a claim.")


@claims.command("show")
@options.config_file
@click.argument("number", type=int)
@options.output
def show(*, config_file: Path, number: int, output: str) -> None:
    """Show one claim with the reasons for what came of it."""
    found = asyncio.run(_listed(config_file, {}, number - 1, 1))
    if not found or found[0].number != number:
        raise UnknownName(f"there is no claim {number}")
    if output == "json":
        click.echo(json.dumps(_json(found[0]), indent=2, ensure_ascii=False))
        return
    for name, value in _json(found[0]).items():
        if name != "reasons" and value not in {None, ""}:
            click.echo(f"{name}: {value}")
    _tell_reasons(found[0].claim)


@claims.command("add")
@options.config_file
@click.argument("settlement")
@click.option(
    "--window",
    type=StretchType(),
    help="When the customer says it was down: 2026-10-03T10:00Z + 95m. [default: the period]",
)
@click.option("--received", type=MomentType(), help="When the claim came. [default: now]")
@click.option("--ticket", default="", help="The number of the ticket that reported it.")
@click.option("--ticket-at", type=MomentType(), help="When that ticket came.")
@click.option("--who", help="Who enters it. [default: the login name]")
@options.output
def add(
    *,
    config_file: Path,
    settlement: str,
    window: Window | None,
    received: int | None,
    ticket: str,
    ticket_at: int | None,
    who: str | None,
    output: str,
) -> None:
    """Enter the claim of a customer for SETTLEMENT, such as acme-web/2026-10.

    It may come before the period is settled, and is kept until then. Exits with 1 if it is refused.
    """
    if not ticket.isprintable():
        raise click.BadParameter("has characters that cannot be printed", param_hint="--ticket")
    stated = StatedClaim(
        settlement=settlement,
        contract=settlement.rpartition("/")[0],
        channel=Channel.CLI,
        by=login() if who is None else who,
        received_at_ms=SystemClock().now_ms() if received is None else received,
        window=window,
        ticket=ticket,
        ticket_at_ms=ticket_at,
    )
    judged = asyncio.run(_claim(config_file, stated))
    if output == "json":
        click.echo(json.dumps(claim_json(judged), indent=2, ensure_ascii=False))
    else:
        click.echo(f"{settlement}: {judged.result.value}")
        _tell_reasons(judged)
    kept = {ClaimResult.ACCEPTED, ClaimResult.EARLY, ClaimResult.DUPLICATE}
    click.get_current_context().exit(judged.result not in kept)


async def _claim(config_file: Path, stated: StatedClaim) -> JudgedClaim:
    async with opened(config_file) as (config, database):
        clock = SystemClock()
        engine = Engine.of(config, database, clock=clock)
        try:
            desk = desk_of(database, engine.reconciler.poster)
            return await desk.claim(config.catalogue, stated, clock.now_ms())
        finally:
            await asyncio.to_thread(engine.close)


async def _listed(
    config_file: Path, filters: dict[str, str], after: int = 0, most: int = sys.maxsize
) -> list[ListedClaim]:
    found: list[ListedClaim] = []
    async with opened(config_file) as (_, database):
        store = Claims(database)
        while len(found) < most:
            page = await store.listed(filters, after, min(_PAGE, most - len(found)))
            if not page:
                break
            found += page
            after = page[-1].number
    return found


async def _waiting(config_file: Path) -> list[Settled]:
    async with opened(config_file) as (_, database):
        return list(await Claims(database).waiting())


def _until(settled: Settled) -> str:
    until_ms = settled.claim_until_ms
    return "-" if until_ms is None else utc_text(until_ms)


def _json(listed: ListedClaim) -> dict[str, object]:
    return {
        "number": listed.number,
        **claim_json(listed.claim),
        "state": listed.state,
        "recorded": utc_text(listed.recorded_at_ms),
    }


def _row(listed: ListedClaim) -> tuple[str, ...]:
    stated = listed.claim.stated
    return (
        str(listed.number),
        utc_text(stated.received_at_ms),
        stated.settlement,
        stated.channel.value,
        stated.by,
        listed.claim.result.value,
        listed.state or "not settled",
    )


def _tell_reasons(judged: JudgedClaim) -> None:
    for reason in claim_json(judged)["reasons"]:
        click.echo(f"  {reason}")
