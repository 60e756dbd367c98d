"""Alerts that webhooks lose, on a real Prometheus and a real Alertmanager.

A target of ours is down when a test says so; a rule fires; the webhooks go to the real receiver;
and what they lost is found by the repair, to the millisecond.
"""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from sla_exporter.core.alerts import AlertRules
from sla_exporter.core.incidents import Change, IncidentWindow
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.samples import Cadence, read_samples
from sla_exporter.core.sli.probe import Probe
from sla_exporter.core.windows import Window, total_ms
from sla_exporter.flow.exclusions import take_silences
from sla_exporter.sources.alertmanager import Alertmanager
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.store.exclusions import Exclusions
from tests.e2e.test_service import until
from tests.e2e.world import (
    EVER,
    SCRAPE_MS,
    SERVICE,
    World,
    api,
    in_store,
    mended,
    now_ms,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.samples import SeriesState
    from sla_exporter.store.engine import Database


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("missed")) as found:
        yield found


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

    silences = asyncio.run(in_store(world, kept))
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

    ((length_ms, announced),) = asyncio.run(in_store(world, kept))

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
