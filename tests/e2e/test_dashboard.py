"""Every query of the dashboard and of the rules, asked of a real Prometheus that scraped us."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import requests

from sla_exporter.demo.servers import Server, prometheus
from tests.e2e.test_service import until

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "contrib/grafana/sla-exporter.json").read_text())
RULES = ROOT / "rules/prometheus/sla-exporter.rules.yml"
QUERIES = [
    (panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]
]
# These say something only when something is wrong.
SILENT = {"max by (sink) (sla_deliveries_pending)", "max by (sink) (sla_deliveries_parked)"}


def ask(server: Server, path: str, **params: str) -> Any:
    answer = requests.get(f"{server.url}/api/v1/{path}", params, timeout=10)
    assert answer.ok, answer.text
    return answer.json()["data"]


@pytest.fixture(scope="module")
def scraping(request, tmp_path_factory):
    """The service with the demo's month settled, and a Prometheus that scraped it."""
    folder = tmp_path_factory.mktemp("scraping")
    stage, history = request.getfixturevalue("stage"), request.getfixturevalue("history")
    token = folder / "token"
    token.write_text("s3cret")
    stage.prometheus = history
    config = stage._config(token)  # noqa: SLF001 - the demo's own configuration
    config["notices"]["folder"] = str(folder / "outbox")
    (folder / "sla-exporter.yml").write_text(json.dumps(config))
    service = stage._service(0)  # noqa: SLF001
    port = prometheus(folder / "p", {}).port
    command = [
        c.replace(str(stage.folder), str(folder)).replace("127.0.0.1:0", f"127.0.0.1:{port}")
        for c in service.command
    ]
    rules = folder / "prometheus"
    rules.mkdir()
    shutil.copy(RULES, rules)
    scrape = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [RULES.name],
        "scrape_configs": [
            {
                "job_name": "sla-exporter",
                "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
            }
        ],
    }
    with (
        Server("sla-exporter", command, folder, port, "/-/ready"),
        prometheus(rules, scrape) as server,
    ):
        until(
            lambda: (
                ask(server, "query", query="sla_credits_issued_total")["result"]
                and ask(server, "query", query="rate(sla_job_runs_total[10s])")["result"]
            ),
            "the month was settled and scraped",
            60,
        )
        yield server


@pytest.mark.parametrize(
    ("title", "query"), QUERIES, ids=[f"{t}-{i}" for i, (t, _) in enumerate(QUERIES)]
)
def test_every_panel_shows_something(scraping, title, query):
    """Grafana's variables are filled in as Grafana does."""
    filled = query.replace("$__rate_interval", "10s").replace("$contract", ".*")
    assert "$" not in filled

    found = ask(scraping, "query", query=filled)["result"]

    assert found or query in SILENT


def test_the_variable_lists_contracts(scraping):
    """What ``label_values`` asks for."""
    values = ask(scraping, "label/contract/values", **{"match[]": "sla_availability_ratio"})

    assert "acme-web" in values


def test_every_rule_is_evaluated_without_an_error(scraping):
    """As Prometheus itself says; and nothing but recording rules gives anything now."""

    def evaluated() -> list[dict[str, Any]]:
        rules = [rule for group in ask(scraping, "rules")["groups"] for rule in group["rules"]]
        return rules if all(rule["health"] != "unknown" for rule in rules) else []

    rules = until(evaluated, "every rule was evaluated")

    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] != "ok"} == {}
    written = set(re.findall(r"- (?:alert|record): (\S+)", RULES.read_text()))
    assert {rule["name"] for rule in rules} == written


def test_a_recording_rule_records(scraping):
    """It is what dashboards of others are built on."""
    name = "contract:sla_error_budget_used:ratio"

    assert until(lambda: ask(scraping, "query", query=name)["result"], name)
