"""``sla-exporter explain`` and ``sla-exporter verify``: why a credit is what it is."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from sla_exporter.app import SystemClock, load
from sla_exporter.cli import options
from sla_exporter.cli.database import opened
from sla_exporter.core.periods import utc_text
from sla_exporter.evidence import check_pack, decision_json, gather, pack, queries_json
from sla_exporter.notices.report import explanation, worth

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.evidence import Facts
    from sla_exporter.settings import Config


@click.command()
@options.config_file
@click.argument("credit")
@options.output
def explain(*, config_file: Path, credit: str, output: str) -> None:
    """Print the whole reasoning of a credit, down to the outages, and how to check it.

    CREDIT is a settlement (acme-web/2026-10), the key of a ledger entry, or the reference that the
    customer was told (sla-...). JSON is the evidence pack, which "sla-exporter verify" checks.
    """
    config = load(config_file)
    facts = asyncio.run(_facts(config, credit))
    if output == "json":
        found = pack(facts, config.catalogue, SystemClock().now_ms(), config.evidence_key)
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo("\n".join(_told(facts, config)))


@click.command()
@click.argument("evidence", type=click.File("r", encoding="utf-8"))
@click.option(
    "--key-file",
    type=click.File("r", encoding="utf-8"),
    help="The key that packs are signed with, to check the signature.",
)
@options.output
def verify(*, evidence: Any, key_file: Any, output: str) -> None:
    """Compute the credit of an evidence pack again, from the pack alone, and say whether it holds.

    Needs no configuration, database or network. Exits with 1 if anything does not hold.
    """
    try:
        content = json.load(evidence)
    except ValueError as error:
        raise click.BadParameter(f"is not JSON: {error}", param_hint="EVIDENCE") from None
    key = key_file.read().strip() if key_file else None
    checks = check_pack(content if isinstance(content, dict) else {}, key)
    failed = any(check.holds is False for check in checks)
    if output == "json":
        found = [check._asdict() for check in checks]
        click.echo(json.dumps({"holds": not failed, "checks": found}, indent=2))
    else:
        for check in checks:
            mark = {True: "ok     ", False: "WRONG  ", None: "unknown"}[check.holds]
            click.echo(f"{mark} {check.what}" + (f": {check.said}" if check.said else ""))
        click.echo("It does not hold." if failed else "It holds.")
    sys.exit(failed)


async def _facts(config: Config, name: str) -> Facts:
    async with opened(config) as database:
        return await gather(database, name)


def _told(facts: Facts, config: Config) -> list[str]:
    settled = facts.settled
    lines = [explanation(settled), f"  It comes to {worth(settled)}; state: {settled.state}."]
    if facts.record:
        lines.append(f"  Policy {facts.record.policy}, version {facts.record.policy_hash[:16]}.")
    lines += (
        f"  {one['at']} {one['decision']} by {one['by']}: {one['reason']}"
        for one in map(decision_json, facts.decisions)
    )
    lines += (
        f"  {utc_text(one.posted_at_ms)} ledger: {one.kind} {one.amount} ({one.reference})"
        for one in (line.entry for line in facts.lines)
    )
    queries = queries_json(settled, config.catalogue)
    if queries:
        lines.append("  Check it against Prometheus with these instant queries:")
    lines += (f"    {one['query']}  at {one['time']}: {one['says']}" for one in queries)
    return lines
