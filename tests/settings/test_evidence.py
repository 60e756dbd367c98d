"""The settings of evidence: alerts, exclusions, silences, second opinions."""

from __future__ import annotations

import pytest

from sla_exporter.core.alerts import AlertRules, EvidenceMode
from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.periods import utc_text
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.repairs import Relabelling
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.config import AlertmanagerAccess, OpinionAccess
from tests.settings.files import load

FULL = """\
prometheus:
  url: http://localhost:9090
  external_labels: {cluster: eu, replica: a}
alertmanager:
  url: http://localhost:9093/
  timeout: 10s
  headers: {X-Scope-OrgID: tenant}
  bearer_token: secret
  dropped_labels: replica
schedule: {silences: 30s, repair: 2m}
maintenance: {silences: ['comment=~"maintenance.*"', 'createdBy!="bot"']}
services:
  web:
    sli: {probe: up}
    contract_label: customer
    incidents: {matchers: 'alertname="SiteDown"', for_offset: 5m, tolerance: 2m}
    evidence: confirmed
    corroborate:
      pingdom: {bearer_token: token, monitors: {acme: "85975"}, timeout: 5s}
      tolerance: 90s
  mail:
    sli: {probe: up}
    contract_label: customer
    corroborate: {uptime_kuma: {series: 'monitor_status{type="x"}', label: name}}
policies:
  gold: {objective: 99.9%, credit: {tiers: [{below: 99.9%, pays: 10%}]}}
customers:
  - id: acme
    name: Acme
    currency: EUR
    contracts: [{service: web, policy: gold, fee: 10.00, since: 2026-01-01}]
exclusions:
  - service: web
    window: 2026-10-03T02:00 to 2026-10-03T04:00
    zone: America/Sao_Paulo
    announced: 2026-09-28T12:00
    why: new switches
  - contract: acme
    matchers: 'host="db1"'
    window: 2026-10-07T10:00Z + 95m
    kind: caused by the customer
    why: their own firewall
"""


def test_exclusions_are_read_in_their_zone(tmp_path):
    """São Paulo is three hours behind."""
    first, second = load(tmp_path, FULL).catalogue.exclusions

    assert [utc_text(at) for at in (*first.window, first.announced_at_ms)] == [
        "2026-10-03T05:00:00Z",
        "2026-10-03T07:00:00Z",
        "2026-09-28T15:00:00Z",
    ]
    assert (first.key, first.scope) == ("configuration/1", Scope(service="web"))
    assert second == StatedExclusion(
        key="configuration/2",
        scope=Scope(contract="acme", matchers=(Matcher.parse('host="db1"'),)),
        window=second.window,
        kind=ExclusionKind.CUSTOMER,
        who="configuration",
        why="their own firewall",
    )


def test_alerts_and_silences_are_read(tmp_path):
    """And how Alertmanager is asked."""
    config = load(tmp_path, FULL)

    assert config.catalogue.services["web"].alerts == AlertRules(
        evidence=EvidenceMode.CONFIRMED, lag_ms=300_000, tolerance_ms=120_000
    )
    assert config.catalogue.services["mail"].alerts == AlertRules()
    assert [str(m) for m in config.catalogue.maintenance_silences] == [
        'comment=~"maintenance.*"',
        'createdBy!="bot"',
    ]
    assert config.relabelling == Relabelling(
        added={"cluster": "eu", "replica": "a"}, dropped=frozenset({"replica"})
    )
    assert config.alertmanager == AlertmanagerAccess(
        url="http://localhost:9093/",
        timeout_s=10,
        headers={"X-Scope-OrgID": "tenant", "Authorization": "Bearer secret"},
    )
    assert (config.schedule.silences_ms, config.schedule.repair_ms) == (30_000, 120_000)


def test_second_opinions_are_read(tmp_path):
    """With their secrets in headers, and nowhere in a representation."""
    opinions = load(tmp_path, FULL).opinions

    assert opinions["web"] == OpinionAccess(
        kind="pingdom",
        tolerance_ms=90_000,
        url=None,
        timeout_s=5,
        monitors={"acme": "85975"},
        headers={"Authorization": "Bearer token"},
    )
    assert "token" not in repr(opinions)
    assert opinions["mail"].kind == "uptime_kuma"
    assert opinions["mail"].series == 'monitor_status{type="x"}'


MISTAKES = [
    ("evidence: confirmed", "evidence: both", "evidence: must be metrics, alerts, confirmed"),
    (
        (
            "    incidents: {matchers: 'alertname=\"SiteDown\"', for_offset: 5m, tolerance: 2m}\n"
            "    evidence: confirmed"
        ),
        "    evidence: confirmed",
        "evidence: confirmed needs incidents.matchers",
    ),
    ("service: web\n    window", "service: wub\n    window", "there is no service 'wub'"),
    ("contract: acme\n", "contract: akme\n", "there is no contract and no customer 'akme'"),
    ("+ 95m", "+ 0m", "window: it must end after it begins"),
    ("10:00Z + 95m", "10:00Z", "window: '2026-10-07T10:00Z' is not a stretch of time"),
    ("announced: 2026-09-28T12:00", "announced: soon", "announced: 'soon' is not a moment"),
    ("kind: caused by the customer", "kind: bad luck", "kind: must be maintenance,"),
    ("monitors: {acme:", "monitors: {akme:", "monitors: there is no contract and no customer"),
    ("bearer_token: token, monitors", "monitors", "the key 'bearer_token' is missing"),
    (
        "corroborate: {uptime_kuma: {series: 'monitor_status{type=\"x\"}', label: name}}",
        "corroborate: {prometheus: {label: name}}",
        "the key 'url' is missing",
    ),
    (
        "corroborate: {uptime_kuma: {series: 'monitor_status{type=\"x\"}', label: name}}",
        "corroborate: {uptime_kuma: {}, uptimerobot: {}}",
        "corroborate: give exactly one of pingdom, uptime_kuma, uptimerobot, prometheus",
    ),
    ("  url: http://localhost:9093/\n", "", "silences: they are read from Alertmanager"),
]


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_a_mistake_is_told_in_a_sentence(tmp_path, old, new, said):
    """One, with a line."""
    assert old in FULL
    with pytest.raises(ConfigInvalid) as raised:
        load(tmp_path, FULL.replace(old, new, 1))

    (problem,) = raised.value.problems
    assert problem.place.line > 0
    assert said in problem.message


def test_an_exclusion_of_everything_is_refused(tmp_path):
    """Nobody means all contracts of all services."""
    text = FULL.replace("  - service: web\n    window", "  - window")

    with pytest.raises(ConfigInvalid, match="name a service, a contract or matchers"):
        load(tmp_path, text)
