"""``sla-exporter incidents``."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from sla_exporter.app import SystemClock
from sla_exporter.cli import options
from sla_exporter.cli.opening import MomentType, StretchType, login, opened, recent
from sla_exporter.cli.tables import table
from sla_exporter.core.alerts import EvidenceMode
from sla_exporter.core.periods import utc_text
from sla_exporter.flow.incidents import IncidentDesk
from sla_exporter.store.incidents import Incidents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.windows import Window
    from sla_exporter.store.engine import Database

_COLUMNS = ("INCIDENT", "ALERT", "FROM", "TO", "SPEAKS OF", "NOTES")


@click.group()
def incidents() -> None:
    """What alerts said, what was mended about it, and what people say about it."""


@incidents.command("list")
@options.config_file
@options.since_until
@options.output
def list_incidents(config_file: Path, since: int | None, until: int | None, output: str) -> None:
    """Show every incident, with everything that was changed about it."""
    found = asyncio.run(_list(config_file, recent(since, until)))
    if output == "json":
        click.echo(json.dumps([to_json(one) for one in found], indent=2, ensure_ascii=False))
        return
    click.echo(table(_COLUMNS, (_row(incident) for incident in found)))


@incidents.command("add")
@options.config_file
@click.option("--contract", required=True, help="The contract that it happened to.")
@click.option(
    "--window",
    type=StretchType(),
    required=True,
    help="The time: 2026-10-03T10:00Z + 95m, or 2026-10-03T10:00Z to 2026-10-03T11:35Z.",
)
@click.option("--name", default="manual", show_default=True, help="What to call it.")
@options.who_and_why
def add(
    *, config_file: Path, contract: str, window: Window, name: str, who: str | None, why: str
) -> None:
    """Enter an incident that no alert told of, however long ago it was."""
    said_by = login() if who is None else who
    incident, remark = asyncio.run(
        _add(config_file, contract=contract, name=name, window=window, who=said_by, why=why)
    )
    click.echo(f"{incident.key} was entered.{remark}")


@incidents.command("dismiss")
@options.config_file
@click.argument("incident", metavar="FINGERPRINT@START")
@click.option("--undo", is_flag=True, help="Take the dismissal back.")
@options.who_and_why
def dismiss(*, config_file: Path, incident: str, undo: bool, who: str | None, why: str) -> None:
    """Mark an incident as a false positive: it counts as not having happened."""
    fingerprint, _, start = incident.partition("@")
    starts_at_ms = MomentType().convert(start, None, None)
    said_by = login() if who is None else who
    asyncio.run(_dismiss(config_file, fingerprint, starts_at_ms, said_by, why, undo=undo))
    click.echo(f"{incident} {'counts again' if undo else 'was dismissed'}.")


def _desk(database: Database) -> IncidentDesk:
    return IncidentDesk(incidents=Incidents(database), clock=SystemClock())


async def _list(config_file: Path, span: Window) -> Sequence[IncidentWindow]:
    async with opened(config_file) as (_, database):
        return await _desk(database).listed(span)


async def _add(
    config_file: Path, *, contract: str, name: str, window: Window, who: str, why: str
) -> tuple[IncidentWindow, str]:
    async with opened(config_file) as (config, database):
        added = await _desk(database).add(
            config.catalogue, contract=contract, name=name, window=window, who=who, why=why
        )
    return added, _remark(config.catalogue, contract)


def _remark(catalogue: Catalogue, contract: str) -> str:
    """Say what the service makes of it, where that may surprise."""
    name = next(known.service for known in catalogue.contracts if known.id == contract)
    mode = catalogue.services[name].alerts.evidence
    if mode is EvidenceMode.METRICS:
        return f" It is shown, but no downtime: service {name} takes its evidence from metrics."
    if mode is EvidenceMode.CONFIRMED:
        return f" Of it, what was measured as down counts: service {name} needs both."
    return ""


async def _dismiss(
    config_file: Path, fingerprint: str, starts_at_ms: int, who: str, why: str, *, undo: bool
) -> None:
    async with opened(config_file) as (_, database):
        desk = _desk(database)
        judge = desk.restore if undo else desk.dismiss
        await judge(fingerprint, starts_at_ms, who=who, why=why)


def to_json(incident: IncidentWindow) -> dict[str, Any]:
    """Give an incident as plain JSON values; times in UTC."""
    end = incident.ends_at_ms
    return {
        "incident": incident.key,
        "alert": incident.name,
        "start": utc_text(incident.starts_at_ms),
        "end": None if end is None else utc_text(end),
        "labels": dict(incident.labels),
        "contract": incident.contract,
        "dismissed": incident.is_dismissed,
        "notes": [
            {"what": n.what.value, "who": n.who, "why": n.why, "at": utc_text(n.at_ms)}
            for n in incident.notes
        ],
    }


def _row(incident: IncidentWindow) -> tuple[str, ...]:
    end = incident.ends_at_ms
    labels = {k: v for k, v in incident.labels.items() if k != "alertname"}
    return (
        incident.key,
        incident.name,
        utc_text(incident.starts_at_ms),
        "still firing" if end is None else utc_text(end),
        ", ".join(f"{name}={value}" for name, value in sorted(labels.items())),
        "; ".join(f"{n.what.value} by {n.who}: {n.why}" for n in incident.notes) or "-",
    )
