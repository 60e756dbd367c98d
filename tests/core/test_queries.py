"""Queries that a person can paste into Prometheus."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.matchers import Matcher
from sla_exporter.core.queries import narrowed, queries_for
from sla_exporter.core.settled import Settled
from sla_exporter.core.sli.probe import Probe
from tests.cast import ACME, WEB, at, contract, outage, settled

HOST = (Matcher.parse('host="a"'),)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("up", 'up{host="a"}'),
        ("up{}", 'up{host="a"}'),
        ('up{job="x"}', 'up{job="x",host="a"}'),
        ('up{job="x",}', 'up{job="x",host="a"}'),
        ('{__name__="up"}', '{__name__="up",host="a"}'),
        ("min by (host) (up)", "min by (host) (up)"),
    ],
)
def test_a_selector_is_restricted_to_the_contract(selector, expected):
    """Where it is one; an expression is left as it is."""
    assert (
        narrowed(replace(WEB, sli=Probe(selector=selector)), contract(ACME, matchers=HOST))
        == expected
    )


def test_there_is_a_query_for_the_period_and_for_each_outage():
    """Raw samples from two intervals before the outage to one after it."""
    found = list(
        queries_for(Settled.of(settled(outage(3, 10, 95))), contract(ACME, matchers=HOST), WEB)
    )

    assert [one.promql for one in found] == [
        'avg_over_time(probe_success{job="web",host="a"}[2678400s])',
        'count_over_time(probe_success{job="web",host="a"}[2678400s])',
        'probe_success{job="web",host="a"}[5880s]',
    ]
    assert found[2].at_ms == at(3, 11, 36)
