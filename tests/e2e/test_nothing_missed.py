"""Alerts that webhooks lose, on a real Prometheus and a real Alertmanager.

A target of ours is down when a test says so; a rule fires; the webhooks go to the real receiver;
and what they lost is found by the repair, to the millisecond.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sla_exporter.core.alerts import AlertRules
from sla_exporter.core.catalogue import Catalogue, Service
from sla_exporter.core.incidents import Change, IncidentWindow
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.repairs import Relabelling
from sla_exporter.core.samples import Cadence, read_samples
from sla_exporter.core.sli.probe import Probe
from sla_exporter.core.windows import Window, total_ms
from sla_exporter.demo.servers import Server, alertmanager, prometheus, write_json
from sla_exporter.flow.exclusions import take_silences
from sla_exporter.flow.repair import Repairer
from sla_exporter.sources.alertmanager import Alertmanager
from sla_exporter.sources.http import HttpApi
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.sources.rules import RuleIntervals
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.exclusions import Exclusions
from sla_exporter.store.incidents import Incidents
from tests.cast import ACME, GOLD, contract, request_with

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from sla_exporter.core.samples import SeriesState

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


def until(check: Callable[[], Any], what: str, patience_s: float = 30) -> Any:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError(f"gave up after {patience_s} s: {what}")


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


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("missed")
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
    return asyncio.run(_in_store(world, _mend(customer, listed=listed)))


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


async def _in_store(world: World, work: Callable[[World, Database], Awaitable[Any]]) -> Any:
    database = Database(sqlite_url(world.folder / f"{time.monotonic_ns()}.db"))
    await database.migrate()
    try:
        return await work(world, database)
    finally:
        await database.close()


def ends_with_alerts(world: World, incident: IncidentWindow, customer: str) -> bool:
    """Say whether the window is what ALERTS says: first sample, and last sample and 200 ms."""
    moments = [round(at * 1000) for at in world.seconds_of(customer)]
    assert incident.ends_at_ms is not None
    return (incident.starts_at_ms, incident.ends_at_ms) == (moments[0], moments[-1] + 200)


def changes(incident: IncidentWindow) -> list[Change]:
    return [note.what for note in incident.notes]


def test_an_alert_that_was_over_within_group_wait(world):
    """No webhook is ever sent; the incident is found, under Alertmanager's own fingerprint."""
    world.goes_down("brief")
    (listed,) = until(lambda: world.in_alertmanager("brief"), "Alertmanager knows")
    world.comes_up("brief")
    until(lambda: not world.in_alertmanager("brief"), "Alertmanager knows of the end")

    (found,) = mended(world, "brief")

    assert world.told("brief") == []
    assert found.fingerprint == listed["fingerprint"]
    assert changes(found) == [Change.FOUND]
    assert ends_with_alerts(world, found, "brief")


def test_a_flap_within_one_group_interval(world):
    """No resolve is sent, nor the second firing; both windows are there, with both their ends."""
    world.goes_down("flapping")
    until(lambda: world.told("flapping"), "the first firing")
    world.comes_up("flapping")
    time.sleep(1)
    world.goes_down("flapping")
    world.comes_up("flapping")

    first, second = mended(world, "flapping")

    assert [status for status, _ in world.told("flapping")] == ["firing"]
    assert (changes(first), changes(second)) == ([Change.ENDED], [Change.FOUND])
    assert first.ends_at_ms is not None
    assert first.ends_at_ms < second.starts_at_ms


def test_a_resolve_under_a_silence(world):
    """It is never sent, not even when the silence is over."""
    world.goes_down("hushed")
    until(lambda: world.told("hushed"), "the firing")
    world.silence("hushed")
    world.comes_up("hushed")
    until(lambda: not world.in_alertmanager("hushed"), "Alertmanager knows of the end")

    (found,) = mended(world, "hushed")

    assert [status for status, _ in world.told("hushed")] == ["firing"]
    assert changes(found) == [Change.ENDED]
    assert ends_with_alerts(world, found, "hushed")


def test_a_receiver_that_was_away_throughout(world):
    """Alertmanager drops what has resolved before anyone took it."""
    world.site.refuses = 422  # it tries again at once after 5xx, but not after 4xx
    world.goes_down("unheard")
    until(lambda: world.in_alertmanager("unheard"), "Alertmanager knows")
    world.comes_up("unheard")
    until(lambda: not world.in_alertmanager("unheard"), "Alertmanager knows of the end")
    world.site.refuses = 0

    (found,) = mended(world, "unheard")

    assert world.told("unheard") == []
    assert changes(found) == [Change.FOUND]
    assert ends_with_alerts(world, found, "unheard")


def test_an_alertmanager_that_was_killed(world):
    """What resolved meanwhile is never reported; its silences are gone, and ours are kept."""
    world.goes_down("killed")
    until(lambda: world.told("killed"), "the firing")
    announced = world.silence("killed", starts=timedelta(hours=1), ends=timedelta(hours=2))

    async def kept(world: World, database: Database) -> list[tuple[str, str]]:
        store, source = Exclusions(database), Alertmanager(api(world.manager))
        await take_silences(source, store, now_ms())
        await asyncio.to_thread(world.manager.stop, signal.SIGKILL)
        await asyncio.to_thread(world.comes_up, "killed")
        await asyncio.to_thread(world.manager.start)
        await take_silences(source, store, now_ms())
        assert announced not in {silence.id for silence in await source.silences()}
        stated = await store.stated(EVER, (Matcher.parse('customer="killed"'),))
        return [(exclusion.key, exclusion.why) for exclusion in stated]

    silences = asyncio.run(_in_store(world, kept))
    (found,) = mended(world, "killed")

    assert silences == [(f"silence/{announced}", "maintenance: new disks")]
    assert [status for status, _ in world.told("killed")] == ["firing"]
    assert changes(found) == [Change.ENDED]
    assert ends_with_alerts(world, found, "killed")


def test_an_alert_that_alertmanager_alone_knows(world):
    """Prometheus does not hold its series; the list of alerts tells of it."""
    labels = {"alertname": "SiteDown", "customer": "foreign", "cluster": "eu"}
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)  # noqa: TID251
    alert = {"labels": labels, "startsAt": start.isoformat()}
    world.site.refuses = 422
    requests.post(f"{world.manager.url}/api/v2/alerts", json=[alert], timeout=5).raise_for_status()
    until(lambda: world.in_alertmanager("foreign"), "Alertmanager knows")

    (found,) = mended(world, "foreign", listed=True)
    world.site.refuses = 0

    assert changes(found) == [Change.FOUND]
    assert (found.starts_at_ms, found.ends_at_ms) == (round(start.timestamp() * 1000), None)


def test_every_version_of_a_real_silence(world):
    """Made, prolonged, expired: each is kept with its moment, and the window ends where it did."""
    name = world.silence("edited", starts=timedelta(), ends=timedelta(hours=1))
    url = f"{world.manager.url}/api/v2/silence/{name}"

    async def kept(world: World, database: Database) -> list[tuple[int, int | None]]:
        store, source = Exclusions(database), Alertmanager(api(world.manager))
        counts = [await take_silences(source, store, now_ms())]
        await asyncio.to_thread(prolong, world, url)
        counts.append(await take_silences(source, store, now_ms()))
        await asyncio.to_thread(requests.delete, url, timeout=5)
        counts.append(await take_silences(source, store, now_ms()))
        counts.append(await take_silences(source, store, now_ms()))
        assert counts[1:] == [1, 1, 0]
        stated = await store.stated(EVER, (Matcher.parse('customer="edited"'),))
        return [(one.window.length_ms, one.announced_at_ms) for one in stated]

    ((length_ms, announced),) = asyncio.run(_in_store(world, kept))

    assert length_ms < 60_000
    assert announced is not None
    assert announced < now_ms()


def prolong(world: World, url: str) -> None:
    silence = requests.get(url, timeout=5).json()
    body = {key: silence[key] for key in ("id", "matchers", "startsAt", "createdBy", "comment")}
    body["endsAt"] = (datetime.now(UTC) + timedelta(hours=3)).isoformat()  # noqa: TID251
    answer = requests.post(f"{world.manager.url}/api/v2/silences", json=body, timeout=5)
    assert answer.json()["silenceID"] == silence["id"]


def test_alerts_that_max_alerts_cuts_off(world):
    """The request says how many were cut, and not which; they are found."""
    world.goes_down("cut-1")
    world.goes_down("cut-2")
    until(lambda: world.told("cut-1") or world.told("cut-2"), "the group was sent")
    told = {name for name in ("cut-1", "cut-2") if world.told(name)}
    (lost,) = {"cut-1", "cut-2"} - told
    truncated = [body["truncatedAlerts"] for body in world.site.received]
    world.comes_up("cut-1")
    world.comes_up("cut-2")

    (found,) = mended(world, lost)

    assert 1 in truncated
    assert changes(found) == [Change.FOUND]
    assert ends_with_alerts(world, found, lost)


def test_an_alert_that_opens_again_with_its_old_start(world):
    """After Alertmanager resolved it by itself; a late copy of a request would look the same."""
    labels = {"alertname": "SiteDown", "customer": "reopened", "cluster": "eu"}
    start = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - Alertmanager's time

    def send(ends_at: datetime) -> None:
        alert = {"labels": labels, "startsAt": start.isoformat(), "endsAt": ends_at.isoformat()}
        url = f"{world.manager.url}/api/v2/alerts"
        requests.post(url, json=[alert], timeout=5).raise_for_status()

    send(start + timedelta(seconds=2))
    statuses = ["firing", "resolved"]
    until(lambda: [s for s, _ in world.told("reopened")] == statuses, "it is over")
    send(start + timedelta(hours=1))
    until(lambda: world.in_alertmanager("reopened"), "it is firing again")

    (found,) = mended(world, "reopened", listed=True)

    assert changes(found) == [Change.REOPENED]
    assert (found.starts_at_ms, found.ends_at_ms) == (round(start.timestamp() * 1000), None)


def test_an_alert_fires_only_after_its_for(world):
    """Its start is later than the outage's, by what the rule waits; the offset gives that back."""
    world.goes_down("slow", fires=False)
    until(lambda: world.told("slow"), "the firing")
    (found,) = mended(world, "slow")
    world.comes_up("slow")
    rules = AlertRules(lag_ms=1000)

    (first_zero, *_) = samples(world, "slow").down

    assert found.starts_at_ms - first_zero.start_ms >= 1000
    assert rules.begin(found).start_ms - first_zero.start_ms < 1000


def test_a_receiver_that_is_away_for_a_moment_is_told_again(world):
    """5xx says that trying again helps, and Alertmanager does at once."""
    world.site.refuses = 503
    world.goes_down("patient")
    until(lambda: world.in_alertmanager("patient"), "Alertmanager knows")
    world.site.refuses = 0

    until(lambda: world.told("patient"), "the firing")
    world.comes_up("patient")


def test_a_receiver_that_takes_an_alert_and_answers_too_late(world):
    """Alertmanager gives up after ten seconds and sends it again; it is one incident."""
    world.site.lingers["lingering"] = 11
    world.goes_down("lingering")
    until(lambda: len(world.told("lingering")) > 1, "it is told again", 60)
    world.comes_up("lingering")
    until(lambda: world.told("lingering")[-1][0] == "resolved", "the end")

    (found,) = mended(world, "lingering")

    assert [status for status, _ in world.told("lingering")][:2] == ["firing", "firing"]
    assert changes(found) == []
    assert found.ends_at_ms is not None


def test_a_resolve_because_prometheus_died(world):
    """The target was down all the time. Alertmanager says resolved, and we say unknown."""
    world.goes_down("stricken")
    until(lambda: world.told("stricken"), "the firing")
    world.prometheus.stop(signal.SIGKILL)
    until(lambda: world.told("stricken")[-1][0] == "resolved", "Alertmanager gave up", 60)
    world.prometheus.start()
    until(lambda: world.told("stricken")[-1][0] == "firing", "it fires anew", 60)

    state = samples(world, "stricken")
    first, *_, last = sorted((*state.down, *state.unknown))
    world.comes_up("stricken")

    assert len({start for _, start in world.told("stricken")}) == 2
    assert state.unknown
    assert total_ms((*state.down, *state.unknown)) == last.end_ms - first.start_ms  # never up


def samples(world: World, customer: str) -> SeriesState:
    """Give what was measured of a customer, from its first sample on."""

    async def read() -> SeriesState:
        source = PrometheusSource(world.prometheus.url)
        only = replace(SERVICE, sli=Probe(selector=f'site_up{{customer="{customer}"}}'))
        span = Window(now_ms() - 600_000, now_ms())
        ((_, found),) = (await source.samples(only, span)).items()
        source.close()
        since = Window(found[0][0], found[-1][0])
        return read_samples(found, since, Cadence.of(SCRAPE_MS))

    return asyncio.run(read())
