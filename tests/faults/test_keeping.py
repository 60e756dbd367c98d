"""What was answered is kept: a database in trouble, floods, and SIGKILL, on the real process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from tests.e2e.test_service import log_of, metric, until
from tests.faults.watching import (
    HOOK,
    check_whole,
    counted,
    is_done,
    numbered,
    post,
    windows,
)


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
