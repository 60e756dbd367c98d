"""The command line, as a person meets it."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from sla_exporter import __version__
from sla_exporter.cli import main
from sla_exporter.cli.options import TerminalProgress
from sla_exporter.cli.tables import table
from tests.settings.files import SMALL


def run(*arguments: str):
    return CliRunner().invoke(main, arguments)


def test_help_teaches():
    """What it is, what to try first, and the commands in the order one needs them."""
    output = run("--help").output

    assert "sla-exporter reconcile --period 2026-10 --dry-run" in output
    positions = [output.index(f"\n  {name} ") for name in ("serve", "check", "reconcile", "demo")]
    assert positions == sorted(positions)


def contexts(context: click.Context):
    """Walk through a command and all that are under it."""
    yield context
    for name, command in getattr(context.command, "commands", {}).items():
        yield from contexts(click.Context(command, info_name=name, parent=context))


@pytest.mark.parametrize(
    "context",
    list(contexts(click.Context(main, info_name="sla-exporter", **main.context_settings))),
    ids=lambda context: context.command_path,
)
def test_no_help_shows_the_marks_of_its_source(context):
    """Examples stand on lines of their own, and nothing of how that is written is to be seen."""
    shown = context.get_help()

    assert "\\b" not in shown
    assert "``" not in shown


def test_examples_in_help_keep_their_lines():
    """So that they can be copied."""
    reconcile, policies = run("reconcile", "--help").output, run("test", "policies", "-h").output

    assert "\n    sla-exporter reconcile --period 2026-10 --dry-run\n" in reconcile
    assert "\n  policy_file: gold.yml\n  tests:\n    - name: an hour and a half\n" in policies


def test_the_version_is_told():
    """For bug reports."""
    assert run("--version").output == f"sla-exporter, version {__version__}\n"


def test_a_good_configuration(tmp_path):
    """What is in it, and what may not be what one wants."""
    file = tmp_path / "sla.yml"
    file.write_text(SMALL)

    result = run("check", "config", str(file))

    assert result.exit_code == 0
    assert (
        "SUCCESS: sla.yml is valid: 1 services, 1 policies, 1 customers, 1 contracts; mode observe"
    ) in result.output
    assert "no mail is configured: notices become files in" in result.output
    assert "anyone may send alerts" in result.output


def test_a_mailed_configuration_is_told_who_gets_no_mail(tmp_path):
    """And that everybody else gets a statement."""
    file = tmp_path / "sla.yml"
    file.write_text(SMALL + "mail: {host: h, from: a@b.example}\n")

    output = run("check", "config", str(file)).output

    assert "no e-mail address, so no notice, for: acme-web" in output
    assert "notices.statements is on" in output


def test_all_files_are_checked_though_one_is_bad(tmp_path):
    """Exit status 1, every problem with its place, no traceback."""
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(SMALL)
    bad.write_text(SMALL.replace("99.9%, credit", "99.9, credit").replace("EUR", "EURO"))

    result = run("check", "config", str(bad), str(good), str(tmp_path / "none.yml"))

    assert result.exit_code == 1
    assert f"{bad}:5: objective: '99.9' is not a percentage" in result.output
    assert "SUCCESS: good.yml" in result.output
    assert "none.yml: cannot be read" in result.output
    assert "Traceback" not in result.output


def test_a_configuration_error_is_a_sentence_everywhere(tmp_path):
    """Not only in check config."""
    result = run("migrate", "--config.file", str(tmp_path / "none.yml"))

    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "cannot be read: No such file or directory" in result.stderr


READING = (
    *("credits list", "claims list", "claims waiting", "deliveries list", "notices list"),
    *("exposure", "ledger balance", "ledger verify", "ledger export", "tokens list"),
    *("tokens add ops", "explain acme-web/2026-10"),
    *(f"{what} list --since 2026-10-01 --until 2026-11-01" for what in ("exclusions", "incidents")),
)


@pytest.mark.parametrize("command", READING)
def test_every_command_knows_the_billing_sinks(tmp_path, command):
    """Not only those that speak to them."""
    file = tmp_path / "sla.yml"
    file.write_text(SMALL + "billing: {stripe: {key: sk_1}, old: {type: stripe, key: sk_2}}\n")

    result = run(*command.split(), "--config.file", str(file))

    assert "billing" not in result.output
    assert result.exit_code == (1 if command.startswith("explain") else 0), result.output


def test_migrate_creates_the_database(tmp_path):
    """And may be run again."""
    file = tmp_path / "sla.yml"
    file.write_text(SMALL)

    outputs = [run("migrate", "--config.file", str(file)).output for _ in range(2)]

    assert outputs == ["The database is up to date.\n"] * 2
    assert (tmp_path / "sla-exporter.db").is_file()


@pytest.mark.parametrize("address", ["9948", "localhost", "localhost:http", ":99999"])
def test_an_address_that_is_none_is_refused(tmp_path, address):
    """A mistake on the command line: exit status 2."""
    file = tmp_path / "sla.yml"
    file.write_text(SMALL)

    result = run("serve", "--config.file", str(file), "--web.listen-address", address)

    assert result.exit_code == 2
    assert "is not HOST:PORT" in result.stderr


def test_tables_line_up():
    """Whatever is in them."""
    assert table(("A", "B"), [("1", "22"), ("333", "")]) == "A    B\n1    22\n333"


def test_progress_is_shown_on_a_terminal_only(monkeypatch, capsys):
    """In one line, which is gone at the end; a log file stays clean."""
    quiet = TerminalProgress()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    shown = TerminalProgress()
    for progress in (quiet, shown):
        progress("settling", 1, 2)
        progress("settling", 2, 2)

    assert capsys.readouterr().err == "\rsettling: 1/2\r             \r"
