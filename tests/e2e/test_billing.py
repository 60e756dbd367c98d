"""From a month's end to the billing system, and what a person sees when that does not go well."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from sla_exporter.app import SystemClock, load
from sla_exporter.cli import main
from sla_exporter.demo.servers import write_json
from sla_exporter.flow.deliver import MOST_ATTEMPTS
from sla_exporter.service import Service
from sla_exporter.sinks.contract import Trouble
from tests.cast import NOVEMBER_3
from tests.conftest import FixedClock
from tests.e2e.test_kill import configuration, observed
from tests.fakes.whmcs import IDENTIFIER, SECRET, FakeWhmcs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3_600_000


class House:
    """A configuration with a database, a WHMCS, and a clock that can be turned."""

    def __init__(self, folder: Path, whmcs: FakeWhmcs) -> None:
        self.whmcs = whmcs
        self.now_ms = max(NOVEMBER_3, SystemClock().now_ms())
        self.file = folder / "sla-exporter.yml"
        self.config = configuration("acme birch")
        self.config["customers"][0]["billing"] = {"whmcs": "42"}
        self.config["outgoing"] = {"allow_private": "127.0.0.0/8"}
        self.config["billing"] = {
            "whmcs": {"url": whmcs.url, "identifier": IDENTIFIER, "secret": SECRET}
        }
        self.write()
        asyncio.run(observed(folder, "acme birch"))

    def write(self) -> None:
        write_json(self.file, self.config)

    def work(self, *, hours: int = 0) -> None:
        """Do the jobs of the service, some hours later."""
        self.now_ms += hours * HOUR
        asyncio.run(self._work())

    async def _work(self) -> None:
        service = Service(config=load(self.file), clock=FixedClock(self.now_ms))
        await service.leadership.lease.acquire(60_000)
        for job in (service._reconcile, service._deliver, service._read_back):  # noqa: SLF001
            await job()
        await service.stop()

    def run(self, *command: str) -> Any:
        return CliRunner().invoke(main, [*command, f"--config.file={self.file}"])

    def listed(self, *options: str) -> list[dict[str, Any]]:
        return json.loads(self.run("deliveries", "list", "--output=json", *options).output)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with FakeWhmcs().in_thread() as whmcs:
        yield House(tmp_path, whmcs)


def test_a_credit_reaches_the_account(house):
    """And reading back finds it there."""
    house.work()

    (credit,) = house.whmcs.standing()
    assert str(credit[1]) == "49.99"
    assert house.run("deliveries", "list").output == "There is nothing pending or parked.\n"
    result = house.run("billing", "reconcile")
    assert result.exit_code == 0
    assert "whmcs: 1 credits of ours in 1 accounts, 0 differences." in result.output


@pytest.mark.parametrize("trouble", list(Trouble))
def test_nothing_is_lost_or_doubled_by_any_trouble(house, trouble):
    """An hour later it stands there, once."""
    house.whmcs.meets(trouble)

    house.work()
    for _ in range(3):
        house.work(hours=1)

    assert len(house.whmcs.standing()) == 1
    assert house.listed() == []


def test_what_is_refused_is_parked_with_a_sentence_and_a_person_can_retry_it(house):
    """After the customer's number was mended."""
    house.config["customers"][0]["billing"] = {"whmcs": "77"}
    house.write()
    house.work()
    house.work(hours=100)

    (parked,) = house.listed("--state=parked")
    assert (parked["customer"], parked["state"], parked["attempts"]) == ("acme", "parked", 1)
    assert parked["error"] == "WHMCS refuses GetCredits: Client ID Not Found"
    assert "Client ID Not Found" in house.run("deliveries", "list").output

    house.config["customers"][0]["billing"] = {"whmcs": "42"}
    house.write()
    assert house.run("deliveries", "retry", parked["key"]).output == "1 deliveries are due now.\n"
    house.work(hours=1)

    assert len(house.whmcs.standing()) == 1
    assert [one["state"] for one in house.listed("--state=delivered", "--sink=whmcs")] == [
        "delivered"
    ]


def test_wrong_credentials_are_tried_for_days_and_then_parked(house):
    """The sentence says what is wrong; --all tries everything again."""
    house.config["billing"]["whmcs"]["secret"] = "wrong"
    house.write()
    house.work()
    (waiting,) = house.listed()
    for _ in range(MOST_ATTEMPTS):
        house.work(hours=8)
    (parked,) = house.listed()

    assert (waiting["state"], parked["state"]) == ("pending", "parked")
    assert parked["error"] == "WHMCS refuses GetCredits: Authentication Failed"
    assert house.whmcs.standing() == []

    house.config["billing"]["whmcs"]["secret"] = SECRET
    house.write()
    assert house.run("deliveries", "retry", "--all").exit_code == 0
    house.work()
    assert len(house.whmcs.standing()) == 1


def test_a_number_that_changed_meanwhile_does_not_lead_to_a_second_credit(house):
    """The first request may have been entered, so that account is asked, and gets it."""
    house.whmcs.clients["43"] = {"id": 43, "currency_code": "BRL"}
    house.whmcs.meets(Trouble.APPLIED_THEN_DROPPED)
    house.work()
    house.config["customers"][0]["billing"] = {"whmcs": "43"}
    house.write()

    house.work(hours=1)

    assert [row["clientid"] for row in house.whmcs.credits[""]] == ["42"]
    assert house.listed() == []


def test_a_retry_of_what_is_not_there_is_said(house):
    """Exit status 1, as a script would not see it otherwise."""
    result = house.run("deliveries", "retry", "whmcs/nothing", "--output=json")

    assert result.exit_code == 1
    assert json.loads(result.output) == {"retried": [], "not_found": ["whmcs/nothing"]}
    assert house.run("deliveries", "retry").exit_code == 2


def test_reading_back_tells_what_an_administrator_did(house):
    """One credit was deleted, another of ours is not in the ledger."""
    house.work()
    row = house.whmcs.credits[""].pop()
    row["description"] = "by hand [ref:sla-0123456789abcdef]"
    house.whmcs.credits[""].append(row)

    result = house.run("billing", "reconcile", "--output=json")

    assert result.exit_code == 1
    (checked,) = json.loads(result.output)
    assert [one["kind"] for one in checked["differences"]] == ["missing", "unknown"]
    words = house.run("billing", "reconcile").output
    assert "BRL 49.99 for acme-web/2026-10 was delivered, and is not there" in words
    house.config["billing"]["whmcs"]["secret"] = "wrong"
    house.write()
    assert "whmcs: it was not read: WHMCS refuses" in house.run("billing", "reconcile").output
