"""The real service as a process: signals, reloads, webhooks of a real Alertmanager."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from sqlalchemy import create_engine, inspect, text

from sla_exporter.core.windows import Window
from sla_exporter.demo.servers import Server, alertmanager, write_json
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.incidents import Incidents

if TYPE_CHECKING:
    from collections.abc import Callable

WEBHOOKS = Path(__file__).parents[1] / "data" / "webhooks"
BEARER = {"Authorization": "Bearer s3cret"}


def until(check: Callable[[], Any], what: str, patience_s: float = 30) -> Any:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError(f"gave up after {patience_s} s: {what}")


def metric(server: Server, name: str) -> float | None:
    for line in requests.get(f"{server.url}/metrics", timeout=30).text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[-1])
    return None


def told(folder: Path, *command: str) -> str:
    """Give what a command line says of the service in that folder."""
    file = folder / "sla-exporter.yml"
    whole = [sys.executable, "-m", "sla_exporter", *command, f"--config.file={file}"]
    return subprocess.run(whole, capture_output=True, text=True, check=True).stdout


def log_of(server: Server) -> str:
    return server.log.read_text()


def test_it_starts_serves_and_ends_cleanly(config, service):
    """Ready only when it can be used; SIGTERM ends it with status 0 and a last word."""
    server = service(config).start()

    ready = requests.get(f"{server.url}/-/ready", timeout=5)
    status = server.stop(signal.SIGTERM)

    assert ready.ok
    assert status == 0
    assert "event=stopped" in log_of(server)
    assert "Traceback" not in log_of(server)


def test_sigterm_while_it_waits_to_start_is_heard(config, service, postgres, tmp_path):
    """Another one brings the tables up to date; of ours nothing is done by halves."""
    config["database"] = {"url": postgres.fresh_database()}
    other = create_engine(config["database"]["url"].replace("+asyncpg", "+psycopg"))
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    server = service(config)

    with other.connect() as connection, server.log.open("ab") as log:
        connection.execute(text("SELECT pg_advisory_xact_lock(1307)"))
        process = subprocess.Popen(server.command, cwd=tmp_path, stdout=log, stderr=log)
        until(lambda: connection.scalar(waiting), "it waits")
        process.terminate()
        status = process.wait(10)
        tables = inspect(connection).get_table_names()
    other.dispose()

    assert (status, tables) == (0, [])
    assert "stopped before it had started" in log_of(server)
    assert "Traceback" not in log_of(server)


def test_sigterm_in_the_middle_of_settling_loses_nothing(config, service, tmp_path):
    """What is under way comes to its end; what it settled is delivered after the next start."""
    server = service(config).start()
    time.sleep(0.3)
    server.stop(signal.SIGTERM)
    assert "Traceback" not in log_of(server)

    server.start()
    notices = until(
        lambda: (
            (found := list((tmp_path / "outbox").rglob("*.eml"))) and len(found) >= 12 and found
        ),
        "the notices of twelve customers",
    )
    server.stop()

    assert len(notices) == 12


def test_a_clean_stop_leaves_no_webhook_to_be_joined(config, service, tmp_path):
    """So that the version before, which knows of no backlog, may follow."""
    server = service(config).start()
    body = json.loads((WEBHOOKS / "01_firing_single.json").read_text())["body"]
    url = f"{server.url}/api/v1/alerts/webhook"
    assert requests.post(url, json.dumps(body), headers=BEARER, timeout=5).ok

    server.stop()

    database = sqlite3.connect(tmp_path / "sla-exporter.db")
    counts = [
        database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - ours
        for table in ("webhook_request", "webhook_backlog", "incident")
    ]
    database.close()
    assert counts == [1, 0, 1]


def test_a_bad_configuration_leaves_the_old_one_in_force(config, service, tmp_path):
    """By signal and by request; the metric says so, and mending the file mends it."""
    server = service(config).start()
    file = tmp_path / "sla-exporter.yml"
    good = file.read_text()
    made = told(tmp_path, "tokens", "add", "ops", "--scope", "operate").split()[-1]
    token = {"Authorization": f"Bearer {made}"}

    file.write_text(good.replace('"automatic"', '"autopilot"'))
    assert requests.post(f"{server.url}/-/reload", headers=BEARER, timeout=5).status_code == 401
    assert metric(server, "sla_config_reload_failures_total") == 0
    answer = requests.post(f"{server.url}/-/reload", headers=token, timeout=5)
    assert answer.status_code == 400
    assert "must be observe, review or automatic, not 'autopilot'" in answer.text
    assert metric(server, "sla_config_last_reload_successful") == 0
    assert metric(server, "sla_config_reload_failures_total") == 1

    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: metric(server, "sla_config_reload_failures_total") == 2, "a second failure")
    assert requests.get(f"{server.url}/-/ready", timeout=5).ok

    file.write_text(good.replace('"s3cret"', '"s3cret"'))
    assert requests.post(f"{server.url}/-/reload", headers=token, timeout=5).ok
    assert metric(server, "sla_config_last_reload_successful") == 1


def test_a_reload_is_in_force_at_once(config, service, tmp_path):
    """A new webhook token is asked for by the next request."""
    server = service(config).start()
    body = (WEBHOOKS / "01_firing_single.json").read_text()
    alert = json.dumps(json.loads(body)["body"])
    hook = f"{server.url}/api/v1/alerts/webhook"
    assert requests.post(hook, alert, headers=BEARER, timeout=5).ok

    (tmp_path / "token").write_text("new")
    os.kill(server.process.pid, signal.SIGHUP)
    until(
        lambda: requests.post(hook, alert, headers=BEARER, timeout=5).status_code == 401,
        "the old token was refused",
    )

    assert requests.post(hook, alert, headers={"Authorization": "Bearer new"}, timeout=5).ok


def test_an_address_in_use_is_an_error_in_a_sentence(config, service):
    """And an exit status."""
    first = service(config).start()
    second = service(config)
    second.command = first.command
    second.port = 1  # nobody answers there, so that we wait for its end

    try:
        second.start()
    except Exception as error:  # noqa: BLE001 - what it says is what is tested
        said = str(error)

    assert f"cannot listen on 127.0.0.1:{first.port}: " in said
    assert "Traceback" not in said


def test_a_real_alertmanager_delivers(config, service, tmp_path):
    """An alert fires, resolves, and is one window with both ends."""
    server = service(config).start()
    url = f"{server.url}/api/v1/alerts/webhook"
    credentials = {"authorization": {"credentials": "s3cret"}}
    receiver = {"name": "sla", "webhook_configs": [{"url": url, "http_config": credentials}]}
    route = {"receiver": "sla", "group_by": ["..."], "group_wait": "100ms", "group_interval": "1s"}
    folder = tmp_path / "am"
    folder.mkdir()
    start = datetime.now(UTC).replace(microsecond=123000)  # noqa: TID251 - Alertmanager's time
    labels = {"alertname": "SiteDown", "customer": "acme"}
    with alertmanager(folder, {"route": route, "receivers": [receiver]}) as manager:

        def send(ends_at: datetime) -> None:
            alert = {
                "labels": labels,
                "startsAt": start.isoformat(),
                "endsAt": ends_at.isoformat(),
            }
            requests.post(
                f"{manager.url}/api/v2/alerts", json=[alert], timeout=5
            ).raise_for_status()

        send(start + timedelta(hours=1))
        until(lambda: metric(server, "sla_incident_windows_open") == 1, "the alert arrived")
        end = start + timedelta(seconds=1)
        # Alertmanager keeps the later of two ends, unless the earlier one is in the past.
        until(lambda: datetime.now(UTC) > end, "the end has passed")  # noqa: TID251
        send(end)
        until(lambda: metric(server, "sla_incident_windows_open") == 0, "the resolve arrived")

    server.stop()
    (window,) = _windows(tmp_path)
    assert (window.start_ms, window.end_ms) == (_ms(start), _ms(end))


def test_the_service_works_on_while_prometheus_is_away(config, service, tmp_path):
    """Webhooks are taken, jobs fail in a sentence, and everything is made up for later."""
    right = config["prometheus"]["url"]
    config["prometheus"]["url"] = "http://scraper:hunt%2Fer2@localhost:1"
    config["alertmanager"]["url"] = "http://scraper:hunt:er2@localhost:1"
    config["schedule"]["silences"] = "1s"
    server = service(config).start()
    body = json.loads((WEBHOOKS / "01_firing_single.json").read_text())["body"]

    answer = requests.post(
        f"{server.url}/api/v1/alerts/webhook", json.dumps(body), headers=BEARER, timeout=5
    )
    assert answer.ok
    for path in ("/api/v1/", "/api/v2/silences"):
        said = f"http://***@localhost:1{path}"
        until(lambda said=said: said in log_of(server), "the failure was logged, without the login")
    shown = requests.get(f"{server.url}/api/v1/status/config", headers=BEARER, timeout=5).text
    assert shown.count("http://<secret>@localhost:1") == 2
    for said in (log_of(server), shown):
        assert "hunt" not in said
        assert "Traceback" not in said

    config["prometheus"]["url"] = right
    write_json(tmp_path / "sla-exporter.yml", config)
    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: list((tmp_path / "outbox").rglob("credit~acme*.eml")), "Acme was credited")


def _windows(folder: Path) -> list[Window]:
    import asyncio  # noqa: PLC0415

    async def read() -> list[Window]:
        database = Database(sqlite_url(folder / "sla-exporter.db"))
        found = await Incidents(database).overlapping(Window(0, 10**15))
        await database.close()
        return [incident.window for incident in found]

    return asyncio.run(read())


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
