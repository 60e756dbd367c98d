"""``sla-exporter customers``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from sla_exporter.app import SystemClock, load
from sla_exporter.cli import options
from sla_exporter.errors import UnknownName
from sla_exporter.sinks.file import FileSink
from sla_exporter.store.engine import Database
from sla_exporter.store.erasure import Erased, erase_customer

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def customers() -> None:
    """Look after customers' data."""


@customers.command()
@click.argument("customer")
@click.option(
    "--also-contract",
    "contracts",
    multiple=True,
    metavar="ID",
    help="A contract of theirs that was never settled, which alerts name; can be given again.",
)
@options.config_file
@click.confirmation_option(prompt="This cannot be undone. Go on?", help="Do not ask.")
def erase(customer: str, contracts: tuple[str, ...], config_file: Path) -> None:
    """Erase a customer's name and addresses from what is stored.

    They go from notices, from what credits were computed from and from alerts' annotations.
    Settlements and the ledger stay: they hold the customer's id and amounts only, and the ledger's
    chain stays whole. Notices that wait to be delivered are withdrawn. Take the customer out of the
    configuration first, or the next notice is written with the name again. Exits with 1 if nothing
    is known of such a customer.

    Alerts are theirs that name the customer or a contract: of the configuration, or that anything
    is stored of. Name those that neither knows with --also-contract.
    """
    config = load(config_file)
    configured = [one.id for one in config.catalogue.contracts if one.customer.id == customer]
    theirs = {*contracts, *configured}
    erased = asyncio.run(_erase(config.database_url, customer, theirs))
    if not (erased.known or theirs):
        raise UnknownName(
            f"no customer has the id {customer!r}: no contract in the configuration and nothing "
            "that is stored is theirs, so nothing was erased"
        )
    sink = FileSink(folder=config.notices.folder, clock=SystemClock())
    files = [path for key in erased.notices if (path := sink.notice_path(key)).exists()]
    for path in files:
        path.unlink()
    click.echo(
        f"{len(erased.notices)} notices erased, {erased.withdrawn} of them withdrawn; "
        f"{len(files)} files removed."
    )
    if configured:
        click.echo(f"{customer} is still in the configuration, with name and addresses.", err=True)


async def _erase(url: str, customer: str, contracts: set[str]) -> Erased:
    database = Database(url)
    try:
        return await erase_customer(database, customer, contracts)
    finally:
        await database.close()
