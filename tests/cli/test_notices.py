"""Looking at notices before they go, holding them back, and stopping them, by command line."""

from __future__ import annotations

import asyncio
import email
import json
from email.policy import default

import pytest
from click.testing import CliRunner

from sla_exporter.cli import main
from sla_exporter.core.settlement import State
from sla_exporter.notices.kinds import KINDS
from sla_exporter.store.engine import Database, sqlite_url
from tests.cast import ACME, BIRCH, CEDAR, NOVEMBER_3, catalogue, contract, outage
from tests.office import Office
from tests.settings.files import SMALL

BOOK = catalogue(contract(ACME, "499.90"), contract(BIRCH), contract(CEDAR))


@pytest.fixture
def folder(tmp_path):
    """A service that settled October: Acme has a credit."""
    customer = "{id: %s, name: %s, currency: %s, contracts: []}"
    customers = [customer % (c.id, c.name, c.currency) for c in (BIRCH, CEDAR)]
    text = SMALL.replace("locale: pt_BR", "locale: en")
    (tmp_path / "sla.yml").write_text(text + "".join(f"  - {one}\n" for one in customers))

    async def settle() -> None:
        database = Database(sqlite_url(tmp_path / "sla-exporter.db"))
        await database.migrate()
        office = Office(database)
        down = {"acme": [outage(3, 10, 95)], "birch": [], "cedar": []}
        await office.measured(down, until_ms=NOVEMBER_3)
        await office.settle(BOOK, NOVEMBER_3)
        assert (await office.one("acme-web/2026-10")).state is State.POSTED
        await database.close()

    asyncio.run(settle())
    return tmp_path


@pytest.fixture
def run(folder):
    def invoke(command: str, *arguments: str):
        config = f"--config.file={folder / 'sla.yml'}"
        return CliRunner().invoke(main, ["notices", command, config, *arguments])

    return invoke


def listed(run, *arguments: str) -> list[tuple[str, str]]:
    found = json.loads(run("list", "--output", "json", *arguments).output)["notices"]
    return [(one["key"], one["state"]) for one in found]


def test_notices_are_held_and_released(run):
    """By the names in the list; whoever is asked for what is not there is told so."""
    held = run("hold", "credit/acme-web/2026-10")
    after = listed(run)
    again = run("hold", "credit/acme-web/2026-10", "nothing")
    released = run("release", "--all")

    assert held.output == "1 notices were held.\n"
    assert dict(after)["credit/acme-web/2026-10"] == "held"
    assert dict(after)["statement/cedar-web/2026-10"] == "pending"
    assert (again.exit_code, "nothing does not wait to be sent." in again.output) == (1, True)
    assert released.output == "1 notices were released.\n"
    assert {state for _, state in listed(run)} == {"pending"}


def test_a_list_is_of_one_customer_where_it_is_asked_for(run):
    """Cedar's notices are not in Acme's list."""
    assert listed(run, "--customer", "acme") == [("credit/acme-web/2026-10", "pending")]


def test_stopping_is_seen_in_the_list(run):
    """With who and why, until somebody resumes."""
    run("stop", "--who", "Ana", "--why", "a wrong template")
    stopped = run("list")
    resumed = run("resume")

    assert "Nothing is sent: Ana stopped it at " in stopped.output
    assert "a wrong template" in stopped.output
    assert resumed.output == "Notices are sent again.\n"
    assert run("resume").output == "It was not stopped.\n"
    assert "stopped" not in run("list").output


@pytest.mark.parametrize("arguments", [(), ("--all", "x")])
def test_names_or_all(run, arguments):
    """Never by accident everything."""
    assert run("hold", *arguments).exit_code == 2


def test_a_preview_of_every_kind_in_every_language(tmp_path):
    """Needs no configuration; text, page and mail; the page shows the picture by itself."""
    command = ["notices", "preview", "--config.file", str(tmp_path / "none.yml")]
    done = CliRunner().invoke(main, [*command, "--folder", str(tmp_path / "out")])

    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert done.exit_code == 0
    assert {name.split("-")[0] for name in names} == KINDS.keys()
    assert {"credit-breached-es.html", "outage-several-pt_BR.txt"} < names
    assert "digest-no-credit-en.eml" in names
    page = (tmp_path / "out" / "credit-breached-es.html").read_text()
    assert "data:image/png;base64," in page
    assert "cid:" not in page
    mail = (tmp_path / "out" / "credit-hostile-names-en.eml").read_bytes()
    message = email.message_from_bytes(mail, policy=default)
    assert message["Bcc"] is None
    assert "Bcc: all@example.com" in message["Subject"]


def test_a_preview_goes_to_the_terminal_in_one_language(tmp_path):
    """One sample of each kind that is asked for."""
    command = ["notices", "preview", "--config.file", str(tmp_path / "none.yml"), "statement"]
    done = CliRunner().invoke(main, [*command, "--locale", "es"])

    assert done.output.startswith("Disponibilidad de web en octubre de 2026: 100")
    assert done.output.count("Disponibilidad de web") == 1


@pytest.mark.parametrize("name", ["acme-web/2026-10", "grant/acme-web/2026-10"])
def test_a_preview_of_a_real_credit(run, folder, name):
    """As it would be said to the customer; the database stays as it is, to the byte."""
    before = (folder / "sla-exporter.db").read_bytes()
    done = run("preview", "--credit", name)

    assert done.exit_code == 0, done.output
    assert "R$49.99 credited to you" in done.output
    assert "Reference: sla-" in done.output
    assert (folder / "sla-exporter.db").read_bytes() == before


def test_a_preview_of_what_is_not_there(run):
    """Is said, not shown."""
    done = run("preview", "--credit", "acme-web/2031-01")

    assert (done.exit_code, done.output) == (1, "error: there is no credit acme-web/2031-01\n")
