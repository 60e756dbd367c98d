"""``sla-exporter test``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sla_exporter.core.periods import utc_text
from sla_exporter.core.policy.trial import run_trial
from sla_exporter.core.reasoning import Duration
from sla_exporter.errors import ConfigInvalid
from sla_exporter.notices.formats import plain
from sla_exporter.notices.reasons import sentences
from sla_exporter.settings.trials import load_trials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.policy.trial import Difference, Result


@click.group("test")
def test() -> None:
    """Test what you promise before you promise it."""


@test.command("policies")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def test_policies(files: tuple[Path, ...]) -> None:
    """Run files of policy tests: made-up outages against the credits you expect.

    A test file names a policy file and gives, for each test, the facts of a contract, outages, and
    what you expect. Exits with 1 if anything comes out differently, and says what and why.

    \b
    policy_file: gold.yml
    tests:
      - name: an hour and a half
        contract: {fee: 499.90, currency: BRL}
        outages: 2026-10-03T10:00Z + 95m
        expect: {availability: 99.79%, credit: BRL 49.99}
    """  # noqa: D301 - click wants the character itself
    failed = [file for file in files if not _run(file)]
    sys.exit(bool(failed))


def _run(file: Path) -> bool:
    click.echo(f"Unit Testing:  {file}")
    try:
        results = [run_trial(trial) for trial in load_trials(file)]
    except ConfigInvalid as error:
        click.echo(f"  {click.style('FAILED', fg='red')}:")
        for problem in error.problems:
            click.echo(f"    {problem}")
        click.echo()
        return False
    bad = [result for result in results if not result.passed]
    if bad:
        click.echo(f"  {click.style('FAILED', fg='red')}: {len(bad)} of {len(results)}")
        for result in bad:
            click.echo("\n".join(_told(result)))
    else:
        click.echo(f"  {click.style('SUCCESS', fg='green')}: {len(results)}")
    click.echo()
    return not bad


def _told(result: Result) -> Iterator[str]:
    """Tell what came out differently, and how it was calculated."""
    trial = result.trial
    yield f"    {trial.place}: {trial.name} (policy {trial.policy.name})"
    for difference in result.differences:
        yield from _diff(difference)
    start, end = trial.case.span
    yield f"      calculated for {utc_text(start)} to {utc_text(end)}:"
    for sentence in sentences((*result.outcome.steps, *result.outcome.flags), plain()):
        yield f"        {sentence}"


def _diff(difference: Difference) -> Iterator[str]:
    what = difference.what
    yield click.style(f"      - {what}: {_shown(difference.expected)}", fg="red")
    yield click.style(f"      + {what}: {_shown(difference.got)}", fg="green")


def _shown(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(str, value)) or "none"
        case Duration(ms):
            return plain().duration(ms)
        case _:
            return str(value)
