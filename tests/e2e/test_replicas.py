"""Replicas: real processes on one PostgreSQL, killed and stopped at the worst moments."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sqlalchemy import select

from sla_exporter.core.ledger import GENESIS
from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.demo.servers import write_json
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.store import tables as t
from sla_exporter.store.engine import Database
from sla_exporter.store.observations import Observations
from tests.cast import DAY, MINUTE, NOVEMBER_3, OCTOBER, Window, outage
from tests.e2e.test_kill import configuration
from tests.e2e.test_service import BEARER, WEBHOOKS, log_of, metric, until

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.demo.servers import Server

LEASE_S = 3


def asked(url: str, *queries: Any) -> list[Any]:
    """Ask the database and give all rows of each query."""

    async def ask() -> list[Any]:
        database = Database(url)
        async with database.read() as connection:
            found = [(await connection.execute(query)).all() for query in queries]
        await database.close()
        return found

    return asyncio.run(ask())


def outcome(url: str) -> dict[str, Any]:
    """Give everything that must be the same, whoever was stopped."""
    ledger, notices, orders, settlements = asked(
        url,
        select(t.ledger_entry).order_by(t.ledger_entry.c.seq),
        select(t.notice.c.key, t.notice.c.subject, t.notice.c.text).order_by(t.notice.c.key),
        select(t.outbox.c.key, t.outbox.c.state).order_by(t.outbox.c.key),
        select(t.settlement.c.key, t.settlement.c.state, t.settlement.c.credit_minor).order_by(
            t.settlement.c.key
        ),
    )
    return {
        "ledger": sorted((row.key, row.amount_minor, row.currency) for row in ledger),
        "chain": [r.previous_hash for r in ledger] == [GENESIS, *(r.hash for r in ledger)][:-1],
        "notices": notices,
        "orders": orders,
        "settlements": settlements,
    }


@pytest.fixture
def replicas(config, service, postgres, tmp_path):
    """Describe three replicas of one configuration; none is started."""
    config["database"] = {"url": postgres.fresh_database()}
    config["schedule"] = {
        "observe": "1s", "reconcile": "1s", "deliver": "500ms", "lease": f"{LEASE_S}s",
    }  # fmt: skip
    return [service(config) for _ in range(3)]


def holder(replicas: list[Server]) -> Server | None:
    """Give the one that holds the lease, when exactly one says so."""
    found = []
    for one in replicas:
        try:
            found += [one] if metric(one, "sla_lease_held") else []
        except requests.RequestException:
            continue
    return found[0] if len(found) == 1 else None


def is_settled(url: str) -> bool:
    (rows,) = asked(url, select(t.outbox.c.state))
    return len(rows) == 20 and {row.state for row in rows} == {"delivered"}


def check_whole(url: str, folder: Path) -> None:
    """Twelve customers, eight credits, every notice once."""
    found = outcome(url)
    assert len(found["settlements"]) == len(found["notices"]) == 12
    assert len(found["ledger"]) == 8
    assert found["chain"]
    assert len(list((folder / "outbox" / "notices").glob("*.eml"))) == 12
    assert len(list((folder / "outbox" / "credits").glob("*.json"))) == 8


@pytest.mark.slow
def test_all_take_webhooks_and_one_runs_the_jobs(replicas, config, tmp_path):
    """Three that start together on an empty database: each migrates, none gets in the way."""
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda one: one.start(), replicas))
    body = json.dumps(
        json.loads((WEBHOOKS / "02_firing_group_two_alerts.json").read_text())["body"]
    )

    answers = [
        requests.post(f"{one.url}/api/v1/alerts/webhook", body, headers=BEARER, timeout=5)
        for one in replicas
    ]
    leader = until(lambda: holder(replicas), "one holds the lease")
    until(lambda: is_settled(config["database"]["url"]), "the month was settled")

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    windows, kept = asked(
        config["database"]["url"], select(t.incident), select(t.webhook_request.c.id)
    )
    assert (len(windows), len(kept)) == (2, 3)
    check_whole(config["database"]["url"], tmp_path)
    others = [one for one in replicas if one is not leader]
    runs = 'sla_job_runs_total{job="reconcile",result="done"}'
    assert metric(leader, runs)
    assert not any(metric(one, runs) for one in others)
    assert not any("Traceback" in log_of(one) for one in replicas)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_another_takes_over_when_the_holder_is_gone(replicas, config, tmp_path, number):
    """Killed, stopped or told to end in the middle of settling; within a lease, give or take."""
    first, *others = replicas
    first.start()
    for one in others:
        one.start()
    first.process.send_signal(number)
    begun = time.monotonic()
    successor = until(lambda: holder(others), "another holds the lease", 10 * LEASE_S)
    took_s = time.monotonic() - begun
    until(lambda: is_settled(config["database"]["url"]), "the month was settled", 60)
    if number == signal.SIGSTOP:
        first.process.send_signal(signal.SIGCONT)
        until(lambda: metric(first, "sla_lease_held") == 0, "the first one knows")

    # Ten seconds more, where it was stopped inside a transaction: then its locks are taken away.
    assert took_s < 2 * LEASE_S + 10
    assert metric(successor, "sla_lease_held") == 1
    check_whole(config["database"]["url"], tmp_path)
    assert "Traceback" not in log_of(successor)


async def observed(url: str, names: str) -> None:
    """Write down what was measured: everybody but Birch was down for a while."""
    database = Database(url)
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


@pytest.mark.slow
def test_stopped_at_every_await_and_woken_up_later(postgres, tmp_path):
    """Its successor does all of the work, and what it does after waking up changes nothing."""
    names, lives = "acme birch dune", 16
    template = postgres.fresh_database()
    asyncio.run(observed(template, names))
    urls = [postgres.copy_of(template) for _ in range(lives)]
    for number, url in enumerate(urls):
        content = configuration(names) | {"database": {"url": url}}
        write_json(tmp_path / "lives" / f"{number:03}" / "sla-exporter.yml", content)
    script = [sys.executable, "-m", "tests.e2e.frozen", str(tmp_path / "lives"), str(NOVEMBER_3)]
    done = subprocess.run([*script, "17"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)

    expected = outcome(urls[0])
    assert (len(expected["ledger"]), len(expected["notices"])) == (2, 3), done.stderr
    assert {row.state for row in expected["orders"]} == {"delivered"}
    assert expected["chain"]
    assert len(report["frozen"]) > 10
    different = [
        turns
        for turns, url in zip(report["frozen"], urls[1:], strict=False)
        if outcome(url) != expected
    ]
    assert different == []


@pytest.mark.slow
def test_jobs_that_run_side_by_side_leave_each_other_alone(replicas, config, service, tmp_path):
    """Every job all the time, and commands of a person: none fails, nothing is doubled."""
    config["schedule"] |= dict.fromkeys(
        ("observe", "reconcile", "deliver", "repair", "claims", "billing"), "50ms"
    )
    first, second, _ = (service(config) for _ in range(3))
    first.start()
    second.start()
    until(lambda: is_settled(config["database"]["url"]), "the month was settled", 60)

    for command in (["reconcile"], ["incidents", "list"], ["credits", "list"]) * 3:
        asked_for = [sys.executable, "-m", "sla_exporter", *command, "--config.file"]
        done = subprocess.run(
            [*asked_for, str(tmp_path / "sla-exporter.yml")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    for one in (first, second):
        text = requests.get(f"{one.url}/metrics", timeout=5).text
        assert not [
            line
            for line in text.splitlines()
            if 'result="failed"' in line and not line.endswith(" 0.0")
        ]
        assert "Traceback" not in log_of(one)
    check_whole(config["database"]["url"], tmp_path)
