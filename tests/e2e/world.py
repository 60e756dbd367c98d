"""Alerts of a real Prometheus that go to a real Alertmanager, and to a receiver of ours.

A target of ours is down when a test says so; a rule fires; and what its webhooks lost is repaired.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import requests

from sla_exporter.core.catalogue import Catalogue, Service
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.repairs import Relabelling
from sla_exporter.core.sli.probe import Probe
from sla_exporter.core.windows import Window
from sla_exporter.demo.servers import Server, alertmanager, prometheus, write_json
from sla_exporter.flow.repair import Repairer
from sla_exporter.sources.alertmanager import Alertmanager
from sla_exporter.sources.http import HttpApi
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.sources.rules import RuleIntervals
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.incidents import Incidents
from tests.cast import ACME, GOLD, contract, request_with
from tests.e2e.test_service import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from sla_exporter.core.incidents import IncidentWindow


EVER = Window(0, 10**15)
SCRAPE_MS = 1_000
LATER_MS = 11 * 60_000  # when the webhooks had their time
RULES = [
    {"alert": "SiteDown", "expr": 'site_up{customer!="slow"} == 0', "labels": {"severity": "page"}},
    {"alert": "SiteDown", "expr": 'site_up{customer="slow"} == 0', "for": "1s"},
]
SERVICE = Service(
    name="web",
    sli=Probe(selector="site_up"),
    contract_label="customer",
    incident_matchers=(
        Matcher.parse('alertname="SiteDown"'),
        Matcher.parse('cluster="eu"'),  # an external label, which ALERTS does not have
    ),
)
BOOK = Catalogue(
    services={"web": SERVICE},
    policies={"gold": (GOLD,)},
    contracts=(contract(ACME, since=date(2026, 1, 1)),),
)


def now_ms() -> int:
    return time.time_ns() // 1_000_000  # noqa: TID251 - the servers' time


@dataclass
class Site:
    """A target with one series for each customer, and a receiver that may refuse."""

    down: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    refuses: int = 0  # the status that it answers with instead
    lingers: dict[str, float] = field(default_factory=dict)  # seconds, after taking the first
    received: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lines = [
                    f'site_up{{customer="{c}"}} {int(c not in site.down)}\n'
                    for c in sorted(site.customers)
                ]
                self.answer(200, "".join(lines).encode())

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not site.refuses:
                    site.received.append(body)
                time.sleep(site.lingers.pop(body["alerts"][0]["labels"]["customer"], 0))
                self.answer(site.refuses or 200, b"")

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"


@dataclass
class World:
    site: Site
    prometheus: Server
    manager: Server
    folder: Path

    def goes_down(self, customer: str, *, fires: bool = True) -> None:
        self.site.customers.add(customer)
        self.site.down.add(customer)
        if fires:
            until(lambda: self.firing(customer), f"{customer} fires in Prometheus")

    def comes_up(self, customer: str) -> None:
        self.site.down.discard(customer)
        until(lambda: not self.firing(customer), f"{customer} is resolved in Prometheus")

    def firing(self, customer: str) -> bool:
        alerts = requests.get(f"{self.prometheus.url}/api/v1/alerts", timeout=5).json()
        found = alerts["data"]["alerts"]
        return any(alert["labels"].get("customer") == customer for alert in found)

    def told(self, customer: str) -> list[tuple[str, str]]:
        """Give status and start of every alert that a webhook told of."""
        return [
            (alert["status"], alert["startsAt"])
            for body in self.site.received
            for alert in body["alerts"]
            if alert["labels"]["customer"] == customer
        ]

    def in_alertmanager(self, customer: str) -> list[dict[str, Any]]:
        alerts = requests.get(f"{self.manager.url}/api/v2/alerts", timeout=5).json()
        return [alert for alert in alerts if alert["labels"]["customer"] == customer]

    def silence(self, customer: str, **times: timedelta) -> str:
        now = datetime.now(UTC)  # noqa: TID251 - Alertmanager's time
        body = {
            "matchers": [{"name": "customer", "value": customer, "isRegex": False}],
            "startsAt": (now + times.get("starts", timedelta())).isoformat(),
            "endsAt": (now + times.get("ends", timedelta(hours=1))).isoformat(),
            "createdBy": "ana",
            "comment": "maintenance: new disks",
        }
        answer = requests.post(f"{self.manager.url}/api/v2/silences", json=body, timeout=5)
        answer.raise_for_status()
        return str(answer.json()["silenceID"])

    def seconds_of(self, customer: str) -> list[float]:
        """Give the moments at which the alert was evaluated as firing."""
        answer = requests.post(
            f"{self.prometheus.url}/api/v1/query",
            {"query": f'ALERTS{{customer="{customer}",alertstate="firing"}}[1h]'},
            timeout=5,
        ).json()
        return [at for series in answer["data"]["result"] for at, _ in series["values"]]


def manager_config(site: Site) -> dict[str, Any]:
    def route(customer: str, **timing: str) -> dict[str, Any]:
        return {"matchers": [f'customer="{customer}"'], **timing}

    hook = {"url": f"http://{site.address}/webhook"}
    return {
        "route": {
            "receiver": "sla",
            "group_by": ["..."],
            "group_wait": "50ms",
            "group_interval": "200ms",
            "routes": [
                route("brief", group_wait="1h"),
                route("flapping", group_interval="1h"),
                {
                    "matchers": ['customer=~"cut.*"'],
                    "receiver": "cutting",
                    "group_by": ["alertname"],
                    "group_wait": "2s",
                    "group_interval": "1h",
                },
            ],
        },
        "receivers": [
            {"name": "sla", "webhook_configs": [hook]},
            {"name": "cutting", "webhook_configs": [{**hook, "max_alerts": 1}]},
        ],
    }


@contextmanager
def running(folder: Path) -> Iterator[World]:
    """Start all of it."""
    site = Site()
    rules = write_json(folder / "rules.json", {"groups": [{"name": "web", "rules": RULES}]})
    manager = alertmanager(folder / "am", manager_config(site))
    config = {
        "global": {
            "scrape_interval": f"{SCRAPE_MS}ms",  # so long that a busy machine misses none
            "scrape_timeout": f"{SCRAPE_MS}ms",
            "evaluation_interval": "200ms",
            "external_labels": {"cluster": "eu", "replica": "a"},
        },
        "rule_files": [str(rules)],
        "alerting": {
            "alert_relabel_configs": [{"regex": "replica", "action": "labeldrop"}],
            "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager.port}"]}]}],
        },
        "scrape_configs": [{"job_name": "site", "static_configs": [{"targets": [site.address]}]}],
    }
    server = prometheus(folder / "prom", config, "--rules.alert.resend-delay=1s")
    with manager, server:
        yield World(site=site, prometheus=server, manager=manager, folder=folder)
    site.server.shutdown()
    site.server.server_close()


def api(server: Server) -> HttpApi:
    return HttpApi(server.url, timeout_s=5)


def mended(world: World, customer: str, *, listed: bool = False) -> list[IncidentWindow]:
    """Ingest what the receiver got, repair, and give the incidents of a customer."""
    return asyncio.run(in_store(world, _mend(customer, listed=listed)))


def _mend(customer: str, *, listed: bool) -> Callable[[World, Database], Awaitable[Any]]:
    async def mend(world: World, database: Database) -> list[IncidentWindow]:
        incidents = Incidents(database)
        for body in world.site.received:
            await incidents.keep(request_with(body, now_ms()))
        source = PrometheusSource(world.prometheus.url)
        repairer = Repairer(
            incidents=incidents,
            series=source,
            rules=RuleIntervals(api(world.prometheus)),
            alertmanager=Alertmanager(api(world.manager)) if listed else None,
            relabelling=Relabelling(
                added={"cluster": "eu", "replica": "a"}, dropped=frozenset({"replica"})
            ),
            settle_after_ms=0,
        )
        await repairer.repair(BOOK, now_ms() + LATER_MS)
        again = await repairer.repair(BOOK, now_ms() + LATER_MS)
        source.close()
        assert again == 0
        found = await incidents.overlapping(EVER)
        return [one for one in found if one.labels["customer"] == customer]

    return mend


async def in_store(world: World, work: Callable[[World, Database], Awaitable[Any]]) -> Any:
    database = Database(sqlite_url(world.folder / f"{time.monotonic_ns()}.db"))
    await database.migrate()
    try:
        return await work(world, database)
    finally:
        await database.close()
