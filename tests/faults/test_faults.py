"""Faults against the real process. For each: what must hold is what the test says."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from sla_exporter.demo.servers import alertmanager, free_port
from tests.e2e.test_service import log_of, metric, until
from tests.fakes.whmcs import IDENTIFIER, SECRET, FakeWhmcs
from tests.faketime import Clock
from tests.faults.hostile import Between
from tests.faults.watching import (
    RECONCILED,
    check_whole,
    counted,
    fast,
    is_done,
    post,
    windows,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.demo.servers import Server


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refuse", "slow", "cut", "garbage", "partial", "422"])
def test_prometheus_fails_and_comes_back(config, service, history, tmp_path, fault):
    """Nothing is settled on what was not measured; webhooks are taken; afterwards all is right."""
    with Between(history.url) as between:
        between.fault = fault
        config["prometheus"] = {"url": between.url, "timeout": "1s"}
        server = service(fast(config)).start()
        runs = 'sla_job_runs_total{job="observe",result="failed"}'
        until(lambda: metric(server, runs), "observing failed and says so in metrics")

        assert post(server) == 200
        assert counted(tmp_path, "settlement") == 0
        assert counted(tmp_path, "ledger_entry") == 0
        assert metric(server, "sla_lease_held") == 1

        between.fault = ""
        until(lambda: is_done(tmp_path), "the month was made up for", 60)
    server.stop()
    check_whole(tmp_path)
    assert "Traceback" not in log_of(server)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refuse", "slow", "cut", "garbage", "partial", "422"])
def test_alertmanager_fails_and_comes_back(config, service, tmp_path, fault):
    """Webhooks are taken and the month is settled without it; afterwards it is read again."""
    folder = tmp_path / "am"
    folder.mkdir()
    routes = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}
    with alertmanager(folder, routes) as manager, Between(manager.url) as between:
        between.fault = fault
        config["alertmanager"] |= {"url": between.url, "timeout": "1s"}
        config["maintenance"] = {"silences": ['comment=~"maintenance.*"']}
        fast(config)["schedule"] |= {"silences": "500ms", "repair": "500ms"}
        server = service(config).start()
        runs = 'sla_job_runs_total{job="silences",result='
        until(lambda: metric(server, runs + '"failed"}'), "the failure is seen in metrics")

        assert post(server) == 200
        until(lambda: is_done(tmp_path), "the month was settled all the same", 60)
        assert not metric(server, runs + '"done"}')

        between.fault = ""
        until(lambda: metric(server, runs + '"done"}'), "silences were read")
    server.stop()
    check_whole(tmp_path)
    assert windows(tmp_path) == 2
    assert "Traceback" not in log_of(server)


@pytest.mark.slow
def test_prometheus_fails_now_and_then(config, service, history, tmp_path):
    """Every kind of trouble in turn, in the middle of measuring: the figures are the same."""
    with Between(history.url) as between:
        config["prometheus"] = {"url": between.url, "timeout": "1s"}
        server = service(fast(config)).start()
        for fault in ("cut", "", "garbage", "", "refuse", "", "partial", ""):
            between.fault = fault
            time.sleep(0.2)
        until(lambda: is_done(tmp_path), "the month was settled", 60)
    server.stop()
    check_whole(tmp_path)


@pytest.mark.slow
def test_mail_is_down_for_a_day(config, service, tmp_path):
    """Every notice waits, is seen waiting, and is sent once when the server is back."""
    from aiosmtpd.controller import Controller  # noqa: PLC0415

    port, got = free_port(), []

    class Inbox:
        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - its name there
            got.append(envelope.content)
            return "250 OK"

    config["mail"] = {
        "host": "127.0.0.1", "port": str(port), "security": "none", "from": "sla@x.example",
    }  # fmt: skip
    server = service(fast(config)).start()
    waiting = 'sla_deliveries_pending{sink="email"}'
    until(lambda: metric(server, waiting) == 12, "twelve notices wait", 60)
    until(lambda: metric(server, 'sla_deliveries_total{sink="email",verdict="delayed"}'), "tried")
    server.stop()
    tomorrow(tmp_path)
    inbox = Controller(Inbox(), hostname="127.0.0.1", port=port)
    inbox.start()
    server.start()
    until(lambda: is_done(tmp_path), "all was delivered", 60)
    time.sleep(1)
    inbox.stop()

    assert len(got) == 12
    assert counted(tmp_path, "ledger_entry") == 8


@pytest.mark.slow
def test_billing_is_down_for_a_day(config, service, tmp_path):
    """Every credit waits, is seen waiting, and is entered once when the system is back."""
    with FakeWhmcs().in_thread() as whmcs, Between(whmcs.url) as between:
        for number, customer in enumerate(config["customers"]):
            customer["billing"] = {"whmcs": str(number)}
            client = {"id": number, "currency": 1, "currency_code": customer["currency"]}
            whmcs.clients[str(number)] = client
        access = {"url": between.url, "identifier": IDENTIFIER, "secret": SECRET}
        config |= {"billing": {"whmcs": access}, "outgoing": {"allow_private": "127.0.0.0/8"}}
        between.fault = "refuse"
        server = service(fast(config)).start()
        waiting = 'sla_deliveries_pending{sink="whmcs"}'
        until(lambda: metric(server, waiting) == 8, "eight credits wait", 60)
        delayed = 'sla_deliveries_total{sink="whmcs",verdict="delayed"}'
        until(lambda: metric(server, delayed), "one was tried")
        server.stop()
        assert not whmcs.standing()

        tomorrow(tmp_path)
        between.fault = ""
        server.start()
        until(lambda: is_done(tmp_path), "all was delivered", 60)
    server.stop()
    entered = [reference for reference, _ in whmcs.standing()]
    assert len(entered) == len(set(entered)) == 8
    assert "Traceback" not in log_of(server)


def tomorrow(folder: Path) -> None:
    """Let a day go by, as the outbox sees it."""
    database = sqlite3.connect(folder / "sla-exporter.db")
    database.execute("UPDATE outbox SET due_at_ms = due_at_ms - 86400000")
    database.commit()
    database.close()


def has_reconciled(server: Server, times: float) -> bool:
    return metric(server, RECONCILED) >= times


@pytest.mark.slow
def test_the_clock_jumps(config, service, tmp_path):
    """Forward by a day and back by two while it runs: jobs go on, the month is settled once."""
    clock = Clock(tmp_path / "clock")
    server = clock.put_into(service(fast(config))).start()
    until(lambda: is_done(tmp_path), "the month was settled", 60)
    for number, offset in enumerate(("+1d", "-1d", "+0d")):
        clock.jump(offset)
        enough = metric(server, RECONCILED) + 3
        until(partial(has_reconciled, server, enough), f"reconciled again at {offset}")
        assert metric(server, "sla_lease_held") == 1
        assert post(server, number) == 200
        assert windows(tmp_path) == 2 * (number + 1)
    server.stop()
    check_whole(tmp_path)
    assert "Traceback" not in log_of(server)


def test_the_clock_jumps_between_two_starts(config, service, tmp_path):
    """Forward and back by a day: the month is settled once."""
    server = service(fast(config)).start()
    until(lambda: is_done(tmp_path), "the month was settled", 60)
    for shift in (86_400_000, -86_400_000):
        server.stop()
        database = sqlite3.connect(tmp_path / "sla-exporter.db")
        database.execute(
            "UPDATE lease SET owner = 'gone', granted_at_ms = granted_at_ms + ?, "
            "expires_at_ms = expires_at_ms + ?",
            (shift, shift),
        )
        database.commit()
        database.close()
        server.start()
        until(lambda: metric(server, "sla_lease_held") == 1, "the jobs run again")
        until(lambda: metric(server, RECONCILED), "reconciled again")
    server.stop()
    check_whole(tmp_path)
