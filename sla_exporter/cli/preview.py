"""``sla-exporter notices preview``: how notices look, without writing or sending anything."""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sla_exporter.app import SystemClock, load
from sla_exporter.cli import options
from sla_exporter.core.ledger import EMPTY_BOOKS, book
from sla_exporter.core.settlement import State
from sla_exporter.errors import NotPossible
from sla_exporter.evidence import gather
from sla_exporter.notices.kinds import KINDS
from sla_exporter.notices.languages import ENGLISH, languages
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.outward import renderer_of
from sla_exporter.sinks.file import file_name, write_whole
from sla_exporter.sinks.message import compose
from sla_exporter.store.engine import existing_or_empty
from sla_exporter.store.settlements import Settlements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.ledger import Entry
    from sla_exporter.evidence import Facts
    from sla_exporter.ports.settling import Notice
    from sla_exporter.settings import Config

FORMATS = ("txt", "html", "eml")
_SENDER = "Preview <preview@localhost>"


@click.command()
@options.config_file
@click.argument("kinds", nargs=-1, type=click.Choice(list(KINDS)), metavar="[KIND]...")
@click.option(
    "--locale",
    "locales",
    multiple=True,
    help="A language; may be given more than once. [default: all, or the customer's]",
)
@click.option("--credit", help="The notice of this settlement, by any of its names.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write all samples of each kind there, as text, HTML and mail.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="txt",
    show_default=True,
    help="What to print without --folder.",
)
def preview(
    *,
    config_file: Path,
    kinds: tuple[str, ...],
    locales: tuple[str, ...],
    credit: str | None,
    folder: Path | None,
    form: str,
) -> None:
    """Show notices with made-up data, or that of a real settlement; writes and sends nothing.

    KIND is one of those in the manual; without one, all are shown. A settlement that is held is
    shown as its notice would be if it were approved.
    """
    config = load(config_file) if credit or config_file.exists() else None
    if config and credit:
        found = dict(_real(config, credit, locales))
    else:
        renderer = renderer_of(config) if config else JinjaRenderer("Your provider")
        found = dict(_made_up(renderer, kinds, locales, every=folder is not None))
    for name, notice in found.items():
        if folder:
            _write(folder, name, notice)
        else:
            click.echo(_contents(notice)[form].decode())
    if folder:
        click.echo(f"{len(found)} notices were written to {folder}")


def _made_up(
    renderer: JinjaRenderer, kinds: tuple[str, ...], locales: tuple[str, ...], *, every: bool
) -> Iterator[tuple[str, Notice]]:
    for locale in locales or (ENGLISH, *languages(renderer.folders)):
        for kind in kinds or KINDS:
            for sample in KINDS[kind].samples():
                yield f"{kind}-{_slug(sample.name)}-{locale}", sample.write(renderer, locale)
                if not every:
                    break


def _real(config: Config, credit: str, locales: tuple[str, ...]) -> Iterator[tuple[str, Notice]]:
    facts, told = asyncio.run(_facts(config, credit))
    settled = facts.settled
    customer = next(
        (
            contract.customer
            for contract in config.catalogue.contracts
            if contract.customer.id == settled.customer
        ),
        None,
    )
    if customer is None:
        raise NotPossible(f"customer {settled.customer!r} is not in the configuration any more")
    for locale in locales or (customer.locale,):
        reader = replace(customer, locale=locale)
        entry, corrects = _entry(facts), settled.key in told
        notice = renderer_of(config).render(settled, reader, entry, corrects=corrects)
        yield f"{file_name(notice.key)}-{locale}", notice


async def _facts(config: Config, credit: str) -> tuple[Facts, set[str]]:
    """Read the facts of a settlement, and whether its customer was told of it before."""
    database = await existing_or_empty(config.database_url)
    try:
        facts = await gather(database, credit)
        return facts, await Settlements(database).told([facts.settled])
    finally:
        await database.close()


def _entry(facts: Facts) -> Entry | None:
    """Give the grant in force, or the one that would be posted."""
    settled = facts.settled
    booking = book(settled, EMPTY_BOOKS, SystemClock().now_ms())
    if settled.state is not State.POSTED or booking.grant is None:
        return booking.grant
    keys = {line.entry.key: line.entry for line in facts.lines}
    return keys.get(booking.grant.key, booking.grant)


def _write(folder: Path, name: str, notice: Notice) -> None:
    for suffix, content in _contents(notice).items():
        write_whole(folder / f"{name}.{suffix}", content)
    for document, content in notice.documents.items():
        write_whole(folder / f"{name}-{document}", content)


def _contents(notice: Notice) -> dict[str, bytes]:
    """Give a notice as text, as a page that a browser shows, and as mail programs get it."""
    mail = compose(notice, key=notice.key, sender=_SENDER, reply_to=None, at_ms=0)
    return {
        "txt": f"{notice.subject}\n\n{notice.text}".encode(),
        "html": page_of_notice(notice).encode(),
        "eml": mail.as_bytes(),
    }


def page_of_notice(notice: Notice) -> str:
    """Give the HTML with its pictures in it."""
    html = notice.html
    for name, png in notice.pictures.items():
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        html = html.replace(f'"cid:{name}"', f'"{source}"')
    return html


def _slug(words: str) -> str:
    return re.sub(r"\W+", "-", words)
