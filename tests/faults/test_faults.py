"""Faults against the real process. For each: what must hold is what the test says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import requests

from sla_exporter.demo.servers import alertmanager, free_port
from tests.e2e.test_kill import outcome
from tests.e2e.test_service import BEARER, WEBHOOKS, log_of, metric, until
from tests.fakes.whmcs import IDENTIFIER, SECRET, FakeWhmcs
from tests.faketime import Clock
from tests.faults.hostile import Between

if TYPE_CHECKING:
    from sla_exporter.demo.servers import Server

HOOK = "/api/v1/alerts/webhook"
RECONCILED = 'sla_job_runs_total{job="reconcile",result="done"}'
BODY = json.loads((WEBHOOKS / "02_firing_group_two_alerts.json").read_text())["body"]


def numbered(number: int) -> str:
    """Give a webhook of two alerts that no other number has."""
    alerts = [
        {**alert, "fingerprint": f"{number:08x}{index:08x}"}
        for index, alert in enumerate(BODY["alerts"])
    ]
    return json.dumps({**BODY, "alerts": alerts})


def post(server: Server, number: int = 0) -> int:
    """Send a webhook as Alertmanager does, and give the status, or 0 without an answer."""
    try:
        url = f"{server.url}{HOOK}"
        return requests.post(url, numbered(number), headers=BEARER, timeout=30).status_code
    except requests.RequestException:
        return 0


def counted(folder: Path, table: str, file: str = "sla-exporter.db") -> int:
    database = sqlite3.connect(folder / file)
    (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
    database.close()
    return count


def windows(folder: Path, file: str = "sla-exporter.db") -> int:
    """Count the incident windows, once all that was kept is joined."""
    until(lambda: not counted(folder, "webhook_backlog", file), "all was joined")
    return counted(folder, "incident", file)


def is_done(folder: Path) -> bool:
    """Say whether the month is settled, and all that follows from it is delivered."""
    database = sqlite3.connect(folder / "sla-exporter.db")
    states = dict(database.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
    database.close()
    return states == {"delivered": 20}


def check_whole(folder: Path) -> None:
    """Twelve customers, eight credits, every notice once, an unbroken chain."""
    found = outcome(folder)
    assert len(found["settlements"]) == len(found["notices"]) == len(found["mail"]) == 12
    assert len(found["ledger"]) == len(found["credits"]) == 8
    assert found["chain"]


def fast(config: dict[str, Any]) -> dict[str, Any]:
    config["schedule"] = {"observe": "500ms", "reconcile": "500ms", "deliver": "500ms"}
    return config


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


def test_a_locked_database_is_503_and_nothing_is_lost(config, service, tmp_path):
    """Another process holds the write lock for longer than we wait; the retry is taken."""
    server = service(config).start()
    until(lambda: is_done(tmp_path), "the month was settled", 60)
    other = sqlite3.connect(tmp_path / "sla-exporter.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert post(server) == 503
    assert requests.get(f"{server.url}/metrics", timeout=5).ok
    other.execute("ROLLBACK")
    other.close()

    assert post(server) == 200
    assert windows(tmp_path) == 2
    assert "Traceback" not in log_of(server)


def full_disk(folder: Path) -> str:
    """Mount a small file system, where that is allowed."""
    disk = folder / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return str(disk) if done.returncode == 0 else ""


def fill(file: Path) -> None:
    """Write until there is no room left."""
    with contextlib.suppress(OSError), file.open("wb", 0) as stream:
        while True:
            stream.write(b"x" * 4096)


def test_a_full_disk_is_503_until_there_is_room(config, service, tmp_path):
    """What was answered with 200 is there, what was not is sent again and taken."""
    disk = full_disk(tmp_path)
    folder = Path(disk) if disk else tmp_path
    config["database"] = {"path": str(folder / "sla.db")}
    config["customers"] = []
    server = service(config).start()
    ballast = tmp_path / "disk" / "ballast"
    taken = [number for number in range(20) if post(server, number) == 200]
    try:
        if disk:
            fill(ballast)
            refused = [number for number in range(100, 140) if post(server, number) != 200]
            assert refused
            assert metric(server, 'sla_webhook_alerts_total{result="not_stored",status="firing"}')
            ballast.unlink()
            assert all(post(server, number) == 200 for number in refused)
            taken += range(100, 140)
        assert windows(folder, "sla.db") == 2 * len(taken)
        database = sqlite3.connect(folder / "sla.db")
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database.close()
        assert "Traceback" not in log_of(server)
    finally:
        server.stop()
        if disk:
            subprocess.run(["umount", "-l", disk], check=False)


def test_a_database_that_turns_read_only_is_503(config, service, tmp_path):
    """As when a file system is remounted after an error; the metrics go on."""
    config["customers"] = []
    server = service(config).start()
    assert post(server, 1) == 200
    until(lambda: metric(server, "sla_lease_held") == 1, "the lease is held")
    other = sqlite3.connect(tmp_path / "sla-exporter.db", isolation_level=None)
    # Root may write to a file whose permissions forbid it, so the database itself says no.
    other.execute(
        "CREATE TRIGGER no_more BEFORE INSERT ON webhook_request "
        "BEGIN SELECT RAISE(ROLLBACK, 'attempt to write a readonly database'); END"
    )
    answer = post(server, 2)
    other.execute("DROP TRIGGER no_more")
    other.close()

    assert answer >= 500
    assert requests.get(f"{server.url}/-/healthy", timeout=5).ok
    assert post(server, 2) == 200
    assert windows(tmp_path) == 4


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


@pytest.mark.slow
def test_killed_in_a_flood(config, service, tmp_path):
    """SIGKILL while webhooks pour in: what was answered 200 is there, the rest is sent again."""
    config["customers"] = []
    server = service(config).start()
    taken: set[int] = set()
    with ThreadPoolExecutor(8) as threads:

        def send(number: int) -> None:
            if post(server, number) == 200:
                taken.add(number)

        flood = [threads.submit(send, number) for number in range(400)]
        until(lambda: len(taken) > 50, "the flood has begun")
        server.stop(signal.SIGKILL)
        for one in flood:
            one.result()
    before = set(taken)
    server.start()
    until(lambda: not counted(tmp_path, "webhook_backlog"), "what the killed one kept was joined")
    stored = stored_numbers(tmp_path)
    for number in range(400):
        if number not in before:
            assert post(server, number) == 200

    assert 50 < len(before) < 400
    assert before <= stored
    assert windows(tmp_path) == 800
    assert stored_numbers(tmp_path) == set(range(400))


def stored_numbers(folder: Path) -> set[int]:
    database = sqlite3.connect(folder / "sla-exporter.db")
    rows = database.execute("SELECT fingerprint FROM incident").fetchall()
    database.close()
    return {int(fingerprint[:8], 16) for (fingerprint,) in rows}


@pytest.mark.slow
def test_a_flood_is_survived(config, service, tmp_path):
    """Thousands of requests at once: 200 or 503, nothing in between, and memory stays flat."""
    config["customers"] = []
    config["alertmanager"]["webhook"]["max_rate"] = "200"
    server = service(config).start()
    process = psutil.Process(server.process.pid)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda n: post(server, n), range(500)))
        before = process.memory_info().rss
        statuses = list(threads.map(lambda n: post(server, n), range(500, 3000)))
        after = process.memory_info().rss

    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > 100
    assert after - before < 30 << 20
    assert requests.get(f"{server.url}/-/ready", timeout=5).ok
    until(lambda: not counted(tmp_path, "webhook_backlog"), "all was joined")
    stored = stored_numbers(tmp_path)
    assert {n for n, status in enumerate(statuses, 500) if status == 200} <= stored
    assert "Traceback" not in log_of(server)


def test_alertmanager_is_cut_off_in_the_middle_of_a_request(config, service, tmp_path):
    """Half a body is no webhook: nothing is stored of it, and the next one is taken."""
    config["customers"] = []
    server = service(config).start()

    async def cut_off() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\n"
        writer.write(f"{head}Content-Length: 5000\r\n\r\n".encode() + numbered(1).encode()[:500])
        await writer.drain()
        writer.transport.abort()

    for _ in range(20):
        asyncio.run(cut_off())

    assert post(server, 2) == 200
    assert windows(tmp_path) == 2
    assert counted(tmp_path, "webhook_request") == 1
    assert "Traceback" not in log_of(server)


def test_two_services_on_one_file_do_not_get_in_each_others_way(config, service, tmp_path):
    """Both take webhooks; one runs the jobs, and the other takes over when it is killed."""
    config["schedule"] = {
        "observe": "1s", "reconcile": "1s", "deliver": "500ms", "lease": "2s",
    }  # fmt: skip
    first, second = service(config).start(), service(config).start()
    assert (post(first, 1), post(second, 2)) == (200, 200)
    assert metric(first, "sla_lease_held") == 1
    assert metric(second, "sla_lease_held") == 0
    os.kill(first.process.pid, signal.SIGKILL)

    until(lambda: metric(second, "sla_lease_held") == 1, "the other took over")
    until(lambda: is_done(tmp_path) or release(tmp_path), "the month was settled", 60)
    check_whole(tmp_path)
    assert windows(tmp_path) == 4


def release(folder: Path) -> None:
    """Do not wait for what the killed one had in its hands."""
    database = sqlite3.connect(folder / "sla-exporter.db", timeout=30)
    database.execute("UPDATE outbox SET lease_until_ms = 0 WHERE state = 'pending'")
    database.commit()
    database.close()
