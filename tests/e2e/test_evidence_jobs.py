"""The running service keeps silences and repairs incidents on its schedule."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import requests

from sla_exporter.demo.servers import alertmanager
from tests.e2e.test_service import log_of, metric, until


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

    command = [
        sys.executable, "-m", "sla_exporter", "exclusions", "list",
        f"--config.file={tmp_path / 'sla-exporter.yml'}", "--output", "json",
    ]  # fmt: skip
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (found,) = json.loads(told)
    assert found["exclusion"] == f"silence/{made['silenceID']}"
    assert (found["who"], found["why"]) == ("ana", "maintenance: new disks")
    assert "Traceback" not in log_of(server)
