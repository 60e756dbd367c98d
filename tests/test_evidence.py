"""Evidence packs: what is in them, and that they are found out when they are changed."""

from __future__ import annotations

import copy
import json

import pytest
from click.testing import CliRunner

from sla_exporter.cli import main
from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.evidence import check_pack, gather, pack
from sla_exporter.settings import load_config
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.erasure import erase_customer
from tests.cast import NOVEMBER_3, at, outage, telling
from tests.office import ANA, Office

FILE = """
prometheus: {url: "http://127.0.0.1:1"}
mode: automatic
evidence: {key: open sesame}
services:
  web:
    sli: {probe: 'probe_success{job="web"}', interval: 60s}
    contract_label: customer
    incidents: {matchers: ['alertname="SiteDown"']}
policies:
  gold:
    objective: 99.95%
    maintenance: {windows: ['daily 02:00-03:00']}
    credit: {sum: [{tiers: [{below: 99.95%, pays: 10%}]}, {block: {every: 1h, pays: BRL 1.00}}]}
    minimum: {over: BRL 1.00, otherwise: carry}
    undecided:
      - text: "an outage of a day"
        readings:
          small: {objective: 99.95%}
          large: {objective: 99.95%}
customers:
  - id: acme
    name: Acme Ltda
    currency: BRL
    email: ops@acme.example
    contracts:
      - {service: web, policy: gold, fee: 499.90, since: 2025-01-01,
         price_changes: [{since: 2026-10-11, fee: 599.90}]}
"""
KEY = "acme-web/2026-10"


@pytest.fixture
async def made(tmp_path):
    """A configuration, its database, and the pack of Acme's credit."""
    file = tmp_path / "sla-exporter.yml"
    file.write_text(FILE)
    config = load_config(file)
    database = Database(sqlite_url(tmp_path / "sla-exporter.db"))
    await database.migrate()
    office = Office(database)
    await office.measured({"acme": [outage(3, 1, 150)]}, until_ms=NOVEMBER_3)
    alert = IncidentWindow(
        fingerprint="feedfacefeedface",
        starts_at_ms=at(3, 1),
        ends_at_ms=at(3, 3),
        labels={"alertname": "SiteDown", "customer": "acme"},
    )
    await office.reconciler.incidents.keep(telling(alert, received_at_ms=at(3, 1)))
    await office.settle(config.catalogue, NOVEMBER_3)
    content = pack(await gather(database, KEY), config.catalogue, NOVEMBER_3, config.evidence_key)
    yield file, office, json.loads(json.dumps(content))
    await database.close()


def failures(content, key="open sesame") -> list[str]:
    return [check.what for check in check_pack(content, key) if check.holds is False]


async def test_a_pack_holds_by_itself(made):
    """Every check that can be made, from the pack alone."""
    _, _, content = made

    checks = check_pack(content, "open sesame")

    assert {check.holds for check in checks} == {True}
    assert len(checks) == 7
    assert content["settlement"]["credit"] == "58.76"


async def test_a_pack_says_what_was_erased_and_still_holds(made, tmp_path):
    """The customer has no name any more; the credit is computed again all the same."""
    file, _, whole = made
    database = Database(sqlite_url(tmp_path / "sla-exporter.db"))

    await erase_customer(database, "acme")

    content = pack(await gather(database, KEY), load_config(file).catalogue, NOVEMBER_3, None)
    await database.close()
    assert "erased" not in whole
    assert content["erased"][0] == "the customer's name in the case"
    assert "Acme Ltda" not in json.dumps(content)
    assert failures(json.loads(json.dumps(content))) == []


async def test_a_pack_has_everything_that_one_asks_for(made):
    """Policy source, windows, queries, webhooks as they came, steps, entries; no mail address."""
    _, _, content = made

    assert content["policy"]["source"]["objective"] == "99.95%"
    assert content["settlement"]["outages"] == [["2026-10-03T01:00:00Z", "2026-10-03T03:30:00Z"]]
    assert content["queries"][0] == {
        "query": 'avg_over_time(probe_success{job="web",customer=~"acme|acme\\\\-web"}[2678400s])',
        "time": "2026-11-01T00:00:00Z",
        "says": "the share of good samples of each series",
    }
    assert content["incidents"][0]["labels"]["alertname"] == "SiteDown"
    assert "feedfacefeedface" in content["webhook_requests"][0]["body"]
    assert [entry["kind"] for entry in content["ledger"]] == ["grant"]
    assert "ops@acme.example" not in json.dumps(content)


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        (("settlement", "credit_minor"), 9999, "the credit, computed again"),
        (("case", "outages"), [], "the credit, computed again"),
        (("policy", "source", "objective"), "99%", "the policy is the one that is named"),
        (("ledger", 0, "minor"), 9999, "ledger entry grant/acme-web/2026-10"),
        (("steps", 1), {"code": "x", "facts": {}}, "nothing was changed since it was sealed"),
        (("steps", -1), {"code": "x", "facts": {}}, "every step of the reasoning"),
        (("decisions",), ["x"], "nothing was changed since it was sealed"),
        (("format",), "other", "the format"),
        (("case",), {}, "the content"),
    ],
)
async def test_a_pack_that_was_changed_does_not_hold(made, path, value, found):
    """Whatever was touched is named."""
    content = copy.deepcopy(made[2])
    target = content
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value

    assert found in failures(content)


async def test_a_pack_of_a_changed_ledger_does_not_hold(made, tmp_path):
    """The database was changed before the pack was made: the entry's own hash tells."""
    file, office, _ = made
    database = office.reader._database  # noqa: SLF001
    async with database.write() as connection:
        for statement in (
            "DROP TRIGGER ledger_entry_no_update",
            "UPDATE ledger_entry SET amount_minor = 9999",
        ):
            await connection.exec_driver_sql(statement)

    content = pack(
        await gather(database, KEY), load_config(file).catalogue, NOVEMBER_3, "open sesame"
    )

    assert failures(json.loads(json.dumps(content))) == [
        f"ledger entry grant/{KEY}",
        "the ledger grants just that",
    ]


async def test_a_signature_is_checked_with_the_key_only(made):
    """Another key is a wrong signature; no key is no answer."""
    _, _, content = made

    assert failures(content, "other key") == ["the signature"]
    assert failures(content, None) == []
    assert [check.holds for check in check_pack(content, None)].count(None) == 1


async def test_an_adjusted_credit_holds_with_both_amounts(made, tmp_path):
    """The pack proves what was computed, and what a person made of it."""
    _, office, _ = made
    held = await office.one(KEY)
    assert held.revision == 1
    file = tmp_path / "sla-exporter.yml"
    file.write_text(FILE.replace("mode: automatic", "mode: review").replace("acme", "birch"))
    book = load_config(file).catalogue
    await office.measured({"birch": [outage(3, 1, 150)]}, until_ms=NOVEMBER_3)
    await office.settle(book, NOVEMBER_3)
    (held,) = await office.store.held()
    credit = held.credit.of("5.00", "BRL")
    await office.decider.adjust(held, credit, book, ANA, NOVEMBER_3)

    facts = await gather(office.reader._database, held.key)  # noqa: SLF001
    content = pack(facts, book, NOVEMBER_3, None)

    assert failures(json.loads(json.dumps(content)), None) == []
    assert content["settlement"]["credit"] == "5.00"
    assert content["decisions"][0]["by"] == "Ana"


def test_explain_and_verify_on_the_command_line(made, tmp_path):
    """A person reads it; a file of it is checked without anything else."""
    file, _, _ = made

    def run(*arguments: str, expect: int = 0) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == expect, result.output
        return result.output

    told = run("explain", KEY, "--config.file", str(file))
    evidence = tmp_path / "evidence.json"
    evidence.write_text(run("explain", KEY, "--config.file", str(file), "--output", "json"))

    assert "It comes to BRL 58.76; state: posted." in told
    assert "avg_over_time(probe_success" in told
    assert "ledger: grant BRL 58.76 (sla-" in told
    assert run("verify", str(evidence)).endswith("It holds.\n")
    (tmp_path / "key").write_text("open sesame\n")
    assert "ok      the signature" in run(
        "verify", str(evidence), "--key-file", str(tmp_path / "key")
    )
    evidence.write_text(evidence.read_text().replace('"58.76"', '"99.77"'))
    assert run("verify", str(evidence), expect=1).endswith("It does not hold.\n")
    assert "there is no credit nobody" in run(
        "explain", "nobody", "--config.file", str(file), expect=1
    )
