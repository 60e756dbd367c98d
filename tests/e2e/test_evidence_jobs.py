"""The running service keeps silences and repairs incidents on its schedule."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta

import requests

from sla_exporter.demo.history import write_blocks
from sla_exporter.demo.servers import alertmanager, prometheus
from tests.e2e.test_service import log_of, metric, told, until

HELD = ("credits", "list", "--output", "json")
ENTRIES = ("ledger", "export", "--format", "jsonl")


def test_silences_are_kept_and_incidents_repaired(config, service, tmp_path):
    """A silence is there, and is listed as an exclusion after Alertmanager is gone."""
    folder = tmp_path / "am"
    folder.mkdir()
    routes = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}
    with alertmanager(folder, routes) as manager:
        now = datetime.now(UTC)  # noqa: TID251 - Alertmanager's time
        silence = {
            "matchers": [{"name": "customer", "value": "acme", "isRegex": False}],
            "startsAt": (now + timedelta(hours=1)).isoformat(),
            "endsAt": (now + timedelta(hours=2)).isoformat(),
            "createdBy": "ana",
            "comment": "maintenance: new disks",
        }
        made = requests.post(f"{manager.url}/api/v2/silences", json=silence, timeout=5).json()
        config["alertmanager"]["url"] = manager.url
        config["maintenance"] = {"silences": ['comment=~"maintenance.*"']}
        config["schedule"] = {"silences": "1s", "repair": "1s"}
        server = service(config).start()
        for job in ("silences", "repair"):
            name = f'sla_job_runs_total{{job="{job}",result="done"}}'
            until(lambda name=name: metric(server, name), f"{job} ran")
    until(lambda: "cannot be reached" in log_of(server), "the failure was logged")
    assert requests.get(f"{server.url}/-/ready", timeout=5).ok
    server.stop()

    (found,) = json.loads(told(tmp_path, "exclusions", "list", "--output", "json"))
    assert found["exclusion"] == f"silence/{made['silenceID']}"
    assert (found["who"], found["why"]) == ("ana", "maintenance: new disks")
    assert "Traceback" not in log_of(server)


def test_credits_that_waited_for_a_second_opinion_go_once_it_can_be_had(
    config, service, stage, tmp_path
):
    """Another Prometheus saw the same, and was away when the month was settled."""
    folder = tmp_path / "other"
    write_blocks(stage.history(), folder / "data")
    other = prometheus(folder, {"global": {"scrape_interval": "15s"}})
    config["services"]["web"]["corroborate"] = {"prometheus": {"url": other.url}}
    server = service(config).start()
    waiting = until(lambda: json.loads(told(tmp_path, *HELD)), "some are held")
    assert {tuple(one["holds"]) for one in waiting} == {("unconfirmed",)}
    assert told(tmp_path, *ENTRIES) == ""

    with other:
        os.kill(server.process.pid, signal.SIGHUP)
        until(lambda: json.loads(told(tmp_path, *HELD)) == [], "none is held any more")
    server.stop()

    entries = [json.loads(line) for line in told(tmp_path, *ENTRIES).splitlines()]
    assert {one["key"] for one in entries} == {f"grant/{one['credit']}/2" for one in waiting}
    assert {one["by"] for one in entries} == {"sla-exporter"}
    assert "Traceback" not in log_of(server)
