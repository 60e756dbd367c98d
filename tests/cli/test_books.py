"""The commands about credits, ledger, exposure and tokens, as a person types them."""

from __future__ import annotations

import asyncio
import csv
import json
import sqlite3

import pytest
from click.testing import CliRunner

from sla_exporter.cli import main
from sla_exporter.settings import load_config
from sla_exporter.store.engine import Database
from tests.cast import NOVEMBER_3, outage
from tests.office import Office

FILE = """
prometheus: {url: "http://127.0.0.1:1"}
mode: MODE
services: {web: {sli: {probe: up, interval: 60s}, contract_label: customer}}
policies: {gold: {objective: 99.95%, credit: {tiers: [{below: 99.95%, pays: 10%}]}}}
customers:
  - {id: acme, name: Acme Ltda, currency: BRL,
     contracts: [{service: web, policy: gold, fee: 499.90, since: 2025-01-01}]}
  - {id: birch, name: Birch & Sons, currency: EUR,
     contracts: [{service: web, policy: gold, fee: 100.00, since: 2025-01-01}]}
"""


@pytest.fixture
def files(tmp_path):
    """Give configurations by mode, on a database in which October was settled."""

    def make(mode: str):
        file = tmp_path / "sla-exporter.yml"
        file.write_text(FILE.replace("MODE", mode))
        asyncio.run(settle(file))
        return file

    return make


async def settle(file) -> None:
    config = load_config(file)
    database = Database(config.database_url)
    await database.migrate()
    office = Office(database)
    await office.measured(
        {"acme": [outage(3, 10, 95)], "birch": [outage(9, 10, 95)]}, until_ms=NOVEMBER_3
    )
    await office.settle(config.catalogue, NOVEMBER_3)
    await office.reconciler.stand(config.catalogue, NOVEMBER_3)
    await database.close()


def run(file, *arguments: str, expect: int = 0):
    result = CliRunner().invoke(main, [*arguments, "--config.file", str(file)])
    assert result.exit_code == expect, result.output
    return result


WHO = ("--by", "Ana", "--reason", "looked")


def test_held_credits_are_decided_one_by_one_or_all(files):
    """Listed with their worth; what was decided is not there any more."""
    file = files("review")

    listed = run(file, "credits", "list").output
    assert "acme-web/2026-10   review    BRL 49.99" in listed
    adjusted = run(file, "credits", "adjust", "acme-web/2026-10", "--credit", "BRL 5.00", *WHO)
    assert adjusted.output == "1 adjusted: BRL 5.00.\n"
    assert run(file, "credits", "approve", "--all", *WHO).output == "1 approved: EUR 10.00.\n"
    assert run(file, "credits", "list").output == "Nothing is held.\n"
    assert json.loads(run(file, "credits", "list", "--output", "json").output) == []


def test_a_rejection_for_programs(files):
    """JSON in, JSON out."""
    file = files("review")
    held = json.loads(run(file, "credits", "list", "--output", "json").output)

    said = run(file, "credits", "reject", held[0]["credit"], *WHO, "--output", "json").output

    assert json.loads(said) == {"rejected": 1, "credits": ["acme-web/2026-10"]}


@pytest.mark.parametrize(
    ("arguments", "expect", "said"),
    [
        (["credits", "approve", *WHO], 2, "name credits or groups, or give --all"),
        (["credits", "approve", "x", "--all", *WHO], 2, "name credits or groups"),
        (["credits", "approve", "--all"], 2, "--by"),
        (["credits", "adjust", "acme-web/2026-10", "--credit", "5", *WHO], 2, "--credit"),
        (["credits", "reject", "x", *WHO], 1, "nothing that is held is called x"),
        (["reconcile", "--again", "--period", "2026-10"], 2, "--again needs"),
        (["tokens", "revoke", "x"], 1, "there is no token 'x' in force"),
    ],
)
def test_mistakes_are_told_in_a_sentence(files, arguments, expect, said):
    """With the exit status that says whose mistake it was."""
    assert said in run(files("review"), *arguments, expect=expect).stderr


def test_the_ledger_in_every_format(files):
    """Each has every entry, and amounts to the cent."""
    file = files("automatic")

    rows = list(csv.DictReader(run(file, "ledger", "export").output.splitlines()))
    lines = run(file, "ledger", "export", "--format", "jsonl").output.splitlines()
    beans = run(file, "ledger", "export", "--format", "beancount").output

    assert [row["amount"] for row in rows] == ["49.99", "10.00"]
    assert [json.loads(line)["hash"] for line in lines] == [row["hash"] for row in rows]
    assert (
        "2026-11-03 open Expenses:SLA:Gold\n2026-11-03 open Liabilities:SLA:Credited:Acme-web\n"
        '2026-11-03 * "acme" "grant acme-web/2026-10"\n'
    ) in beans
    assert "  Expenses:SLA:Gold  49.99 BRL\n" in beans
    assert "  Liabilities:SLA:Credited:Acme-web  -49.99 BRL\n" in beans
    assert run(file, "ledger", "balance").output.splitlines()[1:] == [
        "acme      BRL       49.99     0.00",
        "birch     EUR       10.00     0.00",
    ]


def test_a_changed_entry_ends_verify_with_an_error(files):
    """Whoever had the database file open with another program."""
    file = files("automatic")
    assert "2 entries; 0 are wrong; head " in run(file, "ledger", "verify").output

    database = sqlite3.connect(file.parent / "sla-exporter.db")
    database.execute("DROP TRIGGER ledger_entry_no_update")
    database.execute("UPDATE ledger_entry SET amount_minor = 9999 WHERE seq = 1")
    database.commit()
    database.close()

    assert "it was changed after it was written" in run(file, "ledger", "verify", expect=1).output
    found = json.loads(run(file, "ledger", "verify", "--output", "json", expect=1).output)
    assert len(found["problems"]) == 3


def test_settling_anew_with_nothing_new(files):
    """It says that it looked."""
    file = files("automatic")

    said = run(file, "reconcile", "--period", "2026-10", "--again", *WHO).stdout

    assert said == "2 settled periods looked at; 0 are different.\n"


def test_what_would_be_lost_is_left_or_asked_for(files):
    """The fee was entered too high: nothing is taken back by one person."""
    file = files("automatic")
    file.write_text(file.read_text().replace("499.90", "399.90"))
    again = ("reconcile", "--period", "2026-10", "--again")

    left = run(file, *again, *WHO).stdout
    asked = run(file, *again, *WHO, "--take-back").stdout
    taken = run(file, *again, "--by", "Bo", "--reason", "r", "--take-back", "--output", "json")

    assert "left with the customer" in left
    assert "A second person must say the same" in asked
    assert json.loads(taken.stdout)[0] == {
        "settlement": "acme-web/2026-10",
        "before": "BRL 49.99",
        "after": "BRL 39.99",
        "outcome": "taken back",
    }


def test_exposure_is_shown(files):
    """What costs something; with --every what does not yet, and when it will."""
    file = files("automatic")

    assert "gold: BRL 0.00 if nothing more happens" in run(file, "exposure").output
    every = json.loads(run(file, "exposure", "--every", "--output", "json").output)
    assert [(one["contract"], one["credit"], one["next_credit"]) for one in every] == [
        ("acme-web", "0.00", "49.99"),
        ("birch-web", "0.00", "10.00"),
    ]
    shown = run(file, "exposure", "--every").output
    assert " min " in shown
    assert " ms " not in shown  # nobody reads a table for milliseconds


def test_tokens_are_made_listed_and_revoked(files):
    """The secret is shown once."""
    file = files("observe")

    secret = run(file, "tokens", "add", "ana", "--scope", "read", "--scope", "operate").output
    listed = run(file, "tokens", "list").output
    run(file, "tokens", "revoke", "ana")
    revoked = json.loads(run(file, "tokens", "list", "--output", "json").output)

    assert secret.startswith("slax_")
    assert secret.strip() not in listed
    assert "ana   operate, read" in listed
    assert revoked[0]["revoked"] != "-"
    assert "another name" in run(file, "tokens", "add", "ana", expect=1).stderr
