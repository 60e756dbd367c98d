"""``sla-exporter catalogue``."""

from __future__ import annotations

import asyncio
import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import click
from ruamel.yaml import YAML

from sla_exporter.app import SystemClock, load
from sla_exporter.cli import options
from sla_exporter.core.periods import datetime_of
from sla_exporter.flow.sync_catalogue import Product, Syncer, SyncRule
from sla_exporter.outward import whmcs_catalogue_of
from sla_exporter.settings.document import read_file
from sla_exporter.sinks.file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.settings import Config
    from sla_exporter.settings.config import CatalogueImport

_HEAD = "# Written by sla-exporter catalogue sync; what is changed here by hand is lost.\n"


@click.group()
def catalogue() -> None:
    """Take customers and fees over from a billing system."""


@catalogue.command("sync")
@options.config_file
@options.output
def sync(config_file: Path, output: str) -> None:
    """Write the customer files that "catalogue" describes, from what the billing systems say.

    A fee that changed counts from today on, a service that ended has today as its last day. The
    service uses the files after its next reload.
    """
    config = load(config_file)
    done = [asyncio.run(_sync(config, one)) for one in config.catalogue_imports]
    if output == "json":
        click.echo(json.dumps(done, indent=2, ensure_ascii=False))
        return
    for one in done:
        click.echo(f"{one['file']}: {one['customers']} customers, {one['contracts']} contracts")
        for remark in one["remarks"]:
            click.echo(f"  {remark}")
    if not done:
        click.echo("The configuration has no catalogue.")


async def _sync(config: Config, what: CatalogueImport) -> dict[str, Any]:
    products = {key: Product(service=s, policy=p) for key, (s, p) in what.products.items()}
    rule = SyncRule(sink=what.sink, products=products, label=what.label, place=what.place)
    syncer = Syncer(rule=rule, today=datetime_of(SystemClock().now_ms()).date())
    source = whmcs_catalogue_of(config, what.sink)
    try:
        services = await source.services(products.keys())
        clients = await source.clients({service.client for service in services})
    finally:
        await source.close()
    before = read_file(what.file).value["customers"] if what.file.exists() else []
    customers = syncer.customers(before, services, clients)
    text = StringIO()
    YAML().dump({"customers": customers}, text)
    write_whole(what.file, (_HEAD + text.getvalue()).encode())
    return {
        "file": str(what.file),
        "customers": len(customers),
        "contracts": sum(len(customer["contracts"]) for customer in customers),
        "remarks": syncer.remarks,
    }
