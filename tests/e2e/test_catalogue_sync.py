"""``catalogue sync``, against WHMCS: fees are typed once, and passwords stay where they are."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from sla_exporter.app import load
from sla_exporter.cli import main
from sla_exporter.demo.servers import write_json
from tests.e2e.test_kill import configuration
from tests.fakes.whmcs import IDENTIFIER, SECRET, FakeWhmcs

PASSWORD = "hunter2-of-the-customer"


def product(number: int, **changes):
    row = {
        "id": str(number),
        "clientid": 42,
        "pid": "12",
        "status": "Active",
        "regdate": "2025-03-06",
        "recurringamount": "499.90",
        "billingcycle": "Monthly",
        "domain": f"site{number}.example",
        "username": "acme",
        "password": PASSWORD,
    }
    return row | changes


@pytest.fixture
def setting(tmp_path):
    with FakeWhmcs().in_thread() as whmcs:
        whmcs.clients["42"] |= {"companyname": "Acme Ltda", "email": "ops@acme.example"}
        whmcs.products = [product(101), product(102, pid=12), product(103, pid="99")]
        config = configuration("")
        access = {"url": whmcs.url, "identifier": IDENTIFIER, "secret": SECRET}
        config["billing"] = {"whmcs": access}
        config["outgoing"] = {"allow_private": "127.0.0.0/8"}
        config["catalogue"] = {
            "whmcs": {
                "file": "whmcs-customers.yml",
                "products": {"12": {"service": "web", "policy": "gold"}},
                "series": {"label": "instance"},
            }
        }
        yield whmcs, write_json(tmp_path / "sla-exporter.yml", config)


def sync(file, *options: str):
    return CliRunner().invoke(main, ["catalogue", "sync", f"--config.file={file}", *options])


def test_fees_and_customers_come_from_whmcs(setting):
    """The next load has them, though no customer stands in the configuration."""
    whmcs, file = setting
    assert load(file).catalogue.contracts == ()

    result = sync(file)

    assert "whmcs-customers.yml: 1 customers, 2 contracts" in result.output
    first, second = load(file).catalogue.contracts
    assert (first.id, str(first.fee), first.customer.billing) == (
        "whmcs-101",
        "BRL 499.90",
        {"whmcs": "42"},
    )
    assert str(second.matchers[0].value) == "site102.example"
    whmcs.products[0]["recurringamount"] = "599.90"
    (done,) = json.loads(sync(file, "--output=json").output)
    assert len(done["remarks"]) == 1
    assert load(file).catalogue.contracts[0].price_changes[0][1].minor == 59_990


def test_the_services_passwords_are_nowhere(setting, caplog):
    """Neither in the file nor in what is printed or logged, even when WHMCS answers nonsense."""
    whmcs, file = setting
    output = sync(file).output
    whmcs.products[0]["recurringamount"] = "a lot"
    failed = sync(file)

    assert failed.exit_code == 1
    assert "'a lot' where an amount belongs" in failed.output
    written = "".join(path.read_text() for path in file.parent.glob("*.yml"))
    assert PASSWORD not in output + failed.output + written + caplog.text


def test_a_catalogue_of_no_billing_sink_is_a_problem(setting):
    """With its line."""
    _, file = setting
    config = json.loads(file.read_text())
    config["catalogue"]["stripe"] = config["catalogue"].pop("whmcs")
    write_json(file, config)

    result = sync(file)

    assert result.exit_code == 1
    assert "there is no WHMCS 'stripe' under billing" in result.output


def test_without_a_catalogue_there_is_nothing_to_do(setting):
    """And nothing is written."""
    _, file = setting
    config = json.loads(file.read_text())
    del config["catalogue"]
    write_json(file, config)

    assert sync(file).output == "The configuration has no catalogue.\n"
