"""SIGKILL at any await of settling and delivering: the same ledger, the same notices, once each."""

from __future__ import annotations

import asyncio
import email
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest

from sla_exporter.core.ledger import GENESIS
from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.demo.servers import write_json
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.observations import Observations
from tests.cast import DAY, MINUTE, NOVEMBER_3, OCTOBER, Window, outage
from tests.e2e.mortal import settle_and_deliver
from tests.fakes.whmcs import IDENTIFIER, SECRET, FakeWhmcs

if TYPE_CHECKING:
    from pathlib import Path

TIERS = [{"below": "99.95%", "pays": "10%"}]


def configuration(names: str) -> dict[str, Any]:
    contract = {"service": "web", "policy": "gold", "fee": "499.90", "since": "2025-01-01"}
    sli = {"probe": "up", "interval": "60s"}
    return {
        "prometheus": {"url": "http://127.0.0.1:1"},
        "mode": "automatic",
        "services": {"web": {"sli": sli, "contract_label": "customer"}},
        "policies": {"gold": {"objective": "99.95%", "credit": {"tiers": TIERS}}},
        "customers": [
            {
                "id": name,
                "name": name.title(),
                "currency": "BRL",
                "email": f"{name}@x.example",
                "contracts": [contract],
            }
            for name in names.split()
        ],
    }


async def observed(folder: Path, names: str) -> None:
    """Write down what was measured: everybody but Birch was down for a while."""
    database = Database(sqlite_url(folder / "sla-exporter.db"))
    await database.migrate()
    span = Window(OCTOBER.span.start_ms, NOVEMBER_3)
    mark = Watermark(
        interval_ms=MINUTE,
        from_ms=span.start_ms,
        fresh_until_ms=span.end_ms,
        final_until_ms=span.end_ms - 2 * DAY,
    )
    states = {
        (("customer", name),): UP if name == "birch" else SeriesState(down=(outage(3, 10, 95),))
        for name in names.split()
    }
    await Observations(database).record("web", span, Observation(states=states), mark)
    await database.close()


EVERY = int(os.environ.get("KILL_EVERY", "15"))  # noqa: TID251 - how thorough to be


def outcome(folder: Path) -> dict[str, Any]:
    """Give everything that must be the same, whatever died; not the times when it was done."""
    database = sqlite3.connect(folder / "sla-exporter.db")
    ledger = database.execute(
        "SELECT key, amount_minor, currency, previous_hash, hash FROM ledger_entry ORDER BY seq"
    ).fetchall()
    notices = database.execute(
        "SELECT key, subject, text, html FROM notice ORDER BY key"
    ).fetchall()
    orders = database.execute("SELECT key, state FROM outbox ORDER BY key").fetchall()
    settlements = database.execute("SELECT key, state, credit_minor FROM settlement ORDER BY key")
    found = {
        "ledger": sorted(row[:3] for row in ledger),
        "chain": [row[3] for row in ledger] == [GENESIS, *(row[4] for row in ledger)][:-1],
        "notices": notices,
        "orders": orders,
        "settlements": settlements.fetchall(),
        "mail": sorted(
            (path.name, read_mail(path)) for path in (folder / "outbox" / "notices").glob("*")
        ),
        "credits": sorted(
            (path.name, json.loads(path.read_text())["amount"])
            for path in (folder / "outbox" / "credits").glob("*")
        ),
    }
    database.close()
    return found


def read_mail(path: Path) -> tuple[str, str]:
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    return message["Message-ID"], message["Subject"]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    folder = tmp_path / "template"
    folder.mkdir()
    names = "acme birch dune"
    write_json(folder / "sla-exporter.yml", configuration(names))
    asyncio.run(observed(folder, names))
    return folder


@pytest.mark.slow
def test_killed_at_every_await(template, tmp_path):
    """Deaths at every so many turns of the event loop, and a second life after each."""
    report = walk(template)

    expected = outcome(tmp_path / "whole")
    assert len(expected["ledger"]) == len(expected["credits"]) == 2
    assert len(expected["notices"]) == len(expected["mail"]) == 3
    assert {state for _, state in expected["orders"]} == {"delivered"}
    assert expected["chain"]
    assert report["turns"] > 100
    different = [n for n in report["deaths"] if outcome(tmp_path / f"killed-{n}") != expected]
    assert different == []


@pytest.mark.slow
def test_killed_at_every_await_of_delivering_to_a_billing_system(tmp_path):
    """WHMCS takes a credit as often as it is told to, and stands beside what dies."""
    template, names = tmp_path / "template", "acme birch dune"
    template.mkdir()
    with FakeWhmcs().in_thread() as whmcs:
        config = configuration(names)
        access = {"url": f"{whmcs.url}/WORLD", "identifier": IDENTIFIER, "secret": SECRET}
        config["billing"] = {"whmcs": access}
        config["outgoing"] = {"allow_private": "127.0.0.0/8"}
        for number, customer in enumerate(config["customers"]):
            customer["billing"] = {"whmcs": str(40 + number)}
            whmcs.clients[str(40 + number)] = {"id": 40 + number, "currency_code": "BRL"}
        write_json(template / "sla-exporter.yml", config)
        asyncio.run(observed(template, names))

        report = walk(template)

        expected = whmcs.standing("whole")
        assert len(expected) == len(set(expected)) == 2
        assert report["turns"] > 100
        different = [
            n for n in report["deaths"] if sorted(whmcs.standing(f"killed-{n}")) != sorted(expected)
        ]
        assert different == []
        orders = outcome(tmp_path / "whole")["orders"]
        assert {state for _, state in orders} == {"delivered"}
        assert {
            n for n in report["deaths"] if outcome(tmp_path / f"killed-{n}")["orders"] != orders
        } == set()


@pytest.mark.slow
def test_killed_at_every_await_of_gathering(tmp_path):
    """Acme has three contracts: they get the digest or the single notices, and never both."""
    template = tmp_path / "template"
    template.mkdir()
    config = configuration("acme birch")
    (contract,) = config["customers"][0]["contracts"]
    contracts = [contract | {"id": f"acme-{n}", "fee": f"{n}00.00"} for n in (1, 2, 3)]
    config["customers"][0]["contracts"] = contracts
    write_json(template / "sla-exporter.yml", config)
    asyncio.run(observed(template, "acme birch"))
    asyncio.run(settle_and_deliver(template, NOVEMBER_3))

    report = walk(template, at_ms=NOVEMBER_3 + 15 * MINUTE)

    kinds = [mails(tmp_path / f"killed-{number}") for number in report["deaths"]]
    assert mails(tmp_path / "whole") == ["digest", "statement"]
    assert report["turns"] > 20
    assert [k for k in kinds if k not in (["digest", "statement"], [*"ccc", "statement"])] == []
    assert ["digest", "statement"] in kinds


def mails(folder: Path) -> list[str]:
    """Give the kinds of notices that were sent; single credits by their first letter."""
    names = [path.name.partition("~")[0] for path in (folder / "outbox" / "notices").glob("*")]
    return sorted("c" if name == "credit" else name for name in names)


@pytest.mark.slow
def test_killed_at_every_await_of_claiming(tmp_path):
    """Acme presses the button again after each death: one credit, one notice, one order."""
    template, names = tmp_path / "template", "acme birch dune"
    template.mkdir()
    config = configuration(names)
    config["policies"]["gold"]["claim"] = {"within": "30 days", "of": "period end"}
    config["claims"] = {"key": "a key of the tests"}
    config["web"] = {"external_url": "https://sla.example"}
    write_json(template / "sla-exporter.yml", config)
    asyncio.run(observed(template, names))
    asyncio.run(settle_and_deliver(template, NOVEMBER_3))

    report = walk(template, "claim")

    expected = claimed(tmp_path / "whole")
    assert expected["ledger"] == [("grant/acme-web/2026-10", 4999, "BRL")]
    assert len(expected["credits"]) == 1
    assert len(expected["mail"]) == len(expected["notices"]) == 4
    assert expected["claims"] == [("accepted/acme-web/2026-10/1", "accepted")]
    assert report["turns"] > 50
    different = [n for n in report["deaths"] if claimed(tmp_path / f"killed-{n}") != expected]
    assert different == []


def claimed(folder: Path) -> dict[str, Any]:
    """Give what must be the same whenever it was claimed, and claims but for duplicates."""
    found = outcome(folder)
    database = sqlite3.connect(folder / "sla-exporter.db")
    claims = database.execute("SELECT key, result FROM claim WHERE result <> 'duplicate'")
    found["claims"] = claims.fetchall()
    database.close()
    return found | {"notices": [key for key, *_ in found["notices"]]}


def walk(template: Path, work: str = "settle", at_ms: int = NOVEMBER_3) -> dict[str, Any]:
    """Die at every so many turns of the event loop."""
    command = [sys.executable, "-m", "tests.e2e.mortal", str(template)]
    command += [str(at_ms), str(EVERY), "0", work]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_service_is_killed_again_and_again(config, service, tmp_path):
    """The real process, on a real Prometheus: killed at six moments, then left to finish."""
    server = service(config)
    for wait_s in (0.0, 0.05, 0.1, 0.2, 0.3, 0.5):
        server.start()
        time.sleep(wait_s)
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        # A killed process holds the leases of its orders; nobody waits for them in a test.
        release(tmp_path)
    server.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not is_done(tmp_path):
        time.sleep(0.1)
    server.stop()

    found = outcome(tmp_path)
    assert len(found["settlements"]) == len(found["notices"]) == len(found["mail"]) == 12
    assert len(found["ledger"]) == len(found["credits"]) == 8
    assert {state for _, state in found["orders"]} == {"delivered"}
    assert found["chain"]


def release(folder: Path) -> None:
    database = sqlite3.connect(folder / "sla-exporter.db")
    database.execute("UPDATE outbox SET lease_until_ms = 0")
    database.execute("UPDATE lease SET expires_at_ms = 0")
    database.commit()
    database.close()


def is_done(folder: Path) -> bool:
    database = sqlite3.connect(folder / "sla-exporter.db")
    states = dict(database.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
    database.close()
    return states.keys() == {"delivered"} and states["delivered"] == 20
