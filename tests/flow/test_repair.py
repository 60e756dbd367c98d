"""Repairing incident windows from what Alertmanager and Prometheus know, whatever fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.incidents import IncidentWindow, fingerprint_of
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.repairs import Relabelling
from sla_exporter.core.windows import Window
from sla_exporter.errors import QueryRejected, SourceUnavailable
from sla_exporter.flow.repair import Repairer
from sla_exporter.store.incidents import Incidents
from tests.cast import ACME, DAY, MINUTE, WEB, at, catalogue, contract, telling

NOW = at(20)


def labels(alert: str) -> dict[str, str]:
    return {"alertname": alert, "customer": "acme"}


class Prometheus:
    """Holds ALERTS, and tells no rules; refuses some selectors."""

    def __init__(self, fired, refuses: str = "nothing") -> None:
        self.fired = fired
        self.refuses = refuses

    async def points(self, selector, span):
        if self.refuses in selector:
            raise QueryRejected("parse error")
        return {
            tuple(sorted({**labels(alert), "alertstate": "firing"}.items())): [
                (moment, "1") for moment in moments if span.start_ms < moment <= span.end_ms
            ]
            for alert, moments in self.fired.items()
        }

    async def by_alert(self):
        return {}


class Away:
    """An Alertmanager that cannot be reached."""

    async def firing(self):
        raise SourceUnavailable("cannot be reached")


def repairer(store, prometheus, alertmanager=None) -> Repairer:
    return Repairer(
        incidents=store,
        series=prometheus,
        rules=prometheus,
        alertmanager=alertmanager,
        relabelling=Relabelling(),
        settle_after_ms=2 * DAY,
    )


def watching(**alerts: str):
    """Give a catalogue whose services have these alerts."""
    services = {
        name: replace(WEB, name=name, incident_matchers=(Matcher("alertname", "=~", alert),))
        for name, alert in alerts.items()
    }
    contracts = [contract(ACME, id=f"acme-{name}", service=name) for name in services]
    return replace(catalogue(*contracts), services=services)


async def windows(store) -> list[tuple[str, int, int | None]]:
    found = await store.overlapping(Window(0, at(31)))
    return [(w.name, w.starts_at_ms, w.ends_at_ms) for w in found]


@pytest.fixture
def store(database):
    """Incident windows that nobody told of yet."""
    return Incidents(database)


FIRED = {"SiteDown": range(at(10), at(10, 2), MINUTE)}


async def test_an_alertmanager_that_is_away_keeps_nobody_from_asking_prometheus(store):
    """What Prometheus knows is mended, and the run still counts as failed."""
    mending = repairer(store, Prometheus(FIRED), Away())

    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        await mending.repair(watching(web="SiteDown"), NOW)

    assert await windows(store) == [("SiteDown", at(10), at(10, 2))]


async def test_a_service_that_fails_keeps_no_other_from_being_repaired(store):
    """Its selector is refused; the one after it has its turn."""
    mending = repairer(store, Prometheus(FIRED, refuses="Mistyped"))

    with pytest.raises(QueryRejected, match="parse error"):
        await mending.repair(watching(api="Mistyped", web="SiteDown"), NOW)

    assert await windows(store) == [("SiteDown", at(10), at(10, 2))]
    assert await store.repaired_until("api") is None
    assert await store.repaired_until("web") == NOW


def left_open(alert: str, start: int) -> IncidentWindow:
    told = labels(alert)
    return IncidentWindow(
        fingerprint=fingerprint_of(told), starts_at_ms=start, ends_at_ms=None, labels=told
    )


async def test_each_alert_is_read_at_its_own_interval(store):
    """Of two rules, the engine tells neither; the slow one fires on, and is one firing."""
    fired = {
        "Fast": range(at(19, 1), at(19, 3), 15_000),
        "Slow": range(at(19, 12), NOW, 5 * MINUTE),
    }
    await store.keep(telling(left_open("Slow", at(19, 12))))

    await repairer(store, Prometheus(fired)).repair(watching(web="Fast|Slow"), NOW)

    assert await windows(store) == [
        ("Fast", at(19, 1), at(19, 3)),
        ("Slow", at(19, 12), None),
    ]
