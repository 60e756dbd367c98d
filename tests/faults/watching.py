"""What the tests of faults do to a real service, and what must be whole afterwards."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import requests

from tests.e2e.test_kill import outcome
from tests.e2e.test_service import BEARER, WEBHOOKS, until

if TYPE_CHECKING:
    from pathlib import Path

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
