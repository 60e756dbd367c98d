"""A credit on request, from the month's end to the button: the real process, by HTTP."""

from __future__ import annotations

import email
import json
import re
import subprocess
import sys
from email.policy import default
from typing import TYPE_CHECKING, Any

import requests

from sla_exporter.app import load
from sla_exporter.demo.servers import write_json
from sla_exporter.service import Service
from tests.e2e.test_service import log_of, until

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.demo.servers import Server


def mails(folder: Path) -> dict[str, Any]:
    """Give the messages that were sent, by subject."""
    found = (
        email.message_from_bytes(path.read_bytes(), policy=default)
        for path in (folder / "outbox" / "notices").glob("*.eml")
    )
    return {message["Subject"]: message for message in found}


def subjects(folder: Path, begin: str) -> list[str]:
    return [subject for subject in mails(folder) if subject.startswith(begin)]


def test_a_customer_claims_by_the_link_in_the_mail(config, service, tmp_path):
    """Told, looked at by a scanner, claimed twice, credited once, and entered by hand in vain."""
    asked = {"claim": {"within": "90 days", "of": "period end"}}
    config["policies"] = {name: p | asked for name, p in config["policies"].items()}
    config["brakes"] = {"run": {"credits": 100}, "period": {"credits": 100}}
    config["customers"] = [c for c in config["customers"] if c["locale"] == "en"]
    config["claims"] = {"key": "a key of the tests"}
    config["web"] = {"external_url": "http://proxy.example/sla"}
    server: Server = service(config).start()
    told = until(lambda: subjects(tmp_path, "You can claim"), "an offer")

    text = mails(tmp_path)[told[0]].get_body(("plain",)).get_content()
    (token,) = re.findall(r"http://proxy\.example/sla/claim/(\S+)", text)
    url = f"{server.url}/claim/{token}"
    shown = requests.get(url, timeout=5)
    assert (shown.status_code, shown.text.count("<form")) == (200, 1)
    waits = json.loads(sla_exporter(tmp_path, "claims", "waiting", "--output", "json"))
    assert {one["until"] for one in waits} & {"-"} == set()
    assert len(waits) >= len(told)
    pressed = [requests.post(url, timeout=5) for _ in range(2)]
    assert [answer.status_code for answer in pressed] == [200, 200]
    assert pressed[0].text == pressed[1].text

    entered = sla_exporter(tmp_path, "claims", "list", "--output", "json")
    (accepted,) = (one for one in json.loads(entered) if one["result"] == "accepted")
    credited = until(
        lambda: [s for s in mails(tmp_path) if "credited to you" in s], "the notice of the credit"
    )
    assert len(credited) == 1
    evidence = sla_exporter(tmp_path, "explain", accepted["settlement"], "--output", "json")
    (tmp_path / "pack.json").write_text(evidence)
    check = [sys.executable, "-m", "sla_exporter", "verify", str(tmp_path / "pack.json")]
    assert "It holds." in subprocess.run(check, capture_output=True, text=True, check=True).stdout
    assert "posted" in sla_exporter(tmp_path, "explain", accepted["settlement"])
    sla_exporter(tmp_path, "ledger", "verify")  # or it exits with 1
    again = sla_exporter(tmp_path, "claims", "add", accepted["settlement"], "--who", "ana")
    assert "duplicate" in again
    metrics = requests.get(f"{server.url}/metrics", timeout=5).text
    assert 'sla_claims_total{result="accepted"} 1.0' in metrics
    assert token not in log_of(server)
    assert "Traceback" not in log_of(server)


async def test_the_command_line_knows_better_where_customers_reach_us(config, tmp_path):
    """As with Prometheus, ``--web.external-url`` goes before everything else."""
    config["web"] = {"external_url": "https://file.example"}
    file = write_json(tmp_path / "sla-exporter.yml", config)

    plain = Service(config=load(file))
    told = Service(config=load(file), external_url="https://flag.example/sla")

    assert plain.config.claims.external_url == "https://file.example"
    assert told.config.claims.external_url == "https://flag.example/sla"
    for service in (plain, told):
        await service.stop()


def sla_exporter(folder: Path, *arguments: str) -> str:
    """Run a command beside the service."""
    call = [sys.executable, "-m", "sla_exporter", *arguments]
    call.append(f"--config.file={folder / 'sla-exporter.yml'}")
    return subprocess.run(call, capture_output=True, text=True, check=True).stdout
