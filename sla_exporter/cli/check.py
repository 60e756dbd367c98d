"""``sla-exporter check``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sla_exporter.app import load
from sla_exporter.cli.flaws import flaw_sentence
from sla_exporter.core.policy.flaws import flaws
from sla_exporter.errors import ConfigInvalid
from sla_exporter.notices import checking
from sla_exporter.outward import FILE
from sla_exporter.settings.policies import load_policies, policy_files_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sla_exporter.core.policy.formula import Flaw
    from sla_exporter.settings import Config
    from sla_exporter.settings.policies import PolicyFile

_NAMED_AT_MOST = 10


@click.group()
def check() -> None:
    """Check files before they are used."""


@check.command("config")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check_config(files: tuple[Path, ...]) -> None:
    """Say whether configuration files are valid, and everything that is wrong in them.

    Checks the customer files that they name as well. What "check policies" calls wrong is a note
    here. Exits with 1 if anything is wrong.
    """
    failed = False
    for file in files:
        click.echo(f"Checking {file}")
        try:
            config = load(file)
        except ConfigInvalid as error:
            failed = True
            click.echo(f"  {click.style('FAILED', fg='red')}: {len(error.problems)} to mend")
            for problem in error.problems:
                click.echo(f"    {problem}")
        else:
            click.echo(f"  {click.style('SUCCESS', fg='green')}: {_contents(config)}")
            for remark in (*_remarks(config), *_policy_remarks(config)):
                click.echo(f"    note: {remark}")
        click.echo()
    sys.exit(failed)


@check.command("policies")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check_policies(files: tuple[Path, ...]) -> None:
    """Say what is wrong or undecided in policies.

    Finds holes and overlaps between rows, rows that can never apply, a cap under the highest row, a
    minimum that can never be reached, and a grace that contradicts the objective. What is left to a
    person on purpose is a note. Exits with 1 if anything is wrong.
    """
    failed = [file for file in files if not _check_policies(file)]
    sys.exit(bool(failed))


def _check_policies(file: Path) -> bool:
    click.echo(f"Checking {file}")
    try:
        known = load_policies(file)
    except ConfigInvalid as error:
        wrong, notes = [str(problem) for problem in error.problems], []
    else:
        found = [told for policies in known.values() for told in _flaws(policies)]
        wrong = [sentence for flaw, sentence in found if flaw.wrong]
        notes = [sentence for flaw, sentence in found if not flaw.wrong]
    if wrong:
        click.echo(f"  {click.style('FAILED', fg='red')}: {len(wrong)} to mend")
    else:
        click.echo(f"  {click.style('SUCCESS', fg='green')}: {len(known)} policies")
    for sentence in wrong:
        click.echo(f"    {sentence}")
    for sentence in notes:
        click.echo(f"    note: {sentence}")
    click.echo()
    return not wrong


@check.command("templates")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def check_templates(folder: Path | None) -> None:
    """Render every notice in every language with every kind of data.

    FOLDER is that of your own templates and translations, as in notices.templates; without it ours
    are checked. Says the file and the line of what fails. What is not translated is a note. Exits
    with 1 if anything is wrong.
    """
    if folder and not folder.is_dir():
        raise click.UsageError(f"there is no folder {folder}")
    click.echo(f"Checking {folder or 'the templates that are part of sla-exporter'}")
    checked = checking.check_templates(folder)
    if checked.problems:
        click.echo(f"  {click.style('FAILED', fg='red')}: {len(checked.problems)} to mend")
    else:
        done = f"{checked.rendered} notices rendered, in {', '.join(checked.languages)}"
        click.echo(f"  {click.style('SUCCESS', fg='green')}: {done}")
    for problem in checked.problems:
        click.echo(f"    {problem}")
    for note in checked.notes:
        click.echo(f"    note: {note}")
    sys.exit(bool(checked.problems))


def _flaws(file: PolicyFile) -> Iterator[tuple[Flaw, str]]:
    """Give the flaws of every version of a policy, with their sentences."""
    for version, policy in enumerate(file.policies):
        for flaw in flaws(policy):
            place = file.place(version, flaw.path)
            yield flaw, f"{place}: policy {policy.name!r}: {flaw_sentence(flaw)}"


def _contents(config: Config) -> str:
    catalogue = config.catalogue
    customers = {contract.customer.id for contract in catalogue.contracts}
    return (
        f"{file_name(config)} is valid: {len(catalogue.services)} services, "
        f"{len(catalogue.policies)} policies, {len(customers)} customers, "
        f"{len(catalogue.contracts)} contracts; mode {catalogue.mode.value}"
    )


def _remarks(config: Config) -> list[str]:
    """Say what is allowed but may not be what the operator wants."""
    found = []
    if config.mail:
        silent = [c.id for c in config.catalogue.contracts if not c.customer.email]
        if silent:
            found.append(f"no e-mail address, so no notice, for: {_some(silent)}")
        if config.notices.statements:
            found.append(
                "notices.statements is on: customers without a credit get a statement by mail too"
            )
    else:
        found.append(f"no mail is configured: notices become files in {config.notices.folder}")
    found.extend(_billing_remarks(config))
    access = config.webhook
    if access.bearer_token is None and access.basic_auth is None:
        found.append("alertmanager.webhook has no credentials: anyone may send alerts")
    return found


def _policy_remarks(config: Config) -> Iterator[str]:
    """Say what check policies would call wrong."""
    for file in policy_files_of(config.file):
        for policies in load_policies(file).values():
            for flaw, sentence in _flaws(policies):
                if flaw.wrong:
                    yield sentence


def _billing_remarks(config: Config) -> list[str]:
    """Say whose credits will wait as files."""
    if not config.billing:
        return []
    customers = {c.customer.id: c.customer for c in config.catalogue.contracts}.values()
    without = [c.id for c in customers if not c.billing.keys() & {*config.billing, FILE}]
    if not without:
        return []
    where = config.notices.folder
    return [f"no number under billing, so credits become files in {where}: {_some(without)}"]


def _some(names: Sequence[str]) -> str:
    """Name the first of many, and count the others."""
    named = ", ".join(names[:_NAMED_AT_MOST])
    more = len(names) - _NAMED_AT_MOST
    return f"{named} and {more} more" if more > 0 else named


def file_name(config: Config) -> str:
    """Give the name of the file."""
    return config.file.name
