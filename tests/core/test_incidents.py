"""Incident windows: joined in any order, bounded by what fires later."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.incidents import (
    IncidentWindow,
    ToldWindow,
    bounded,
    fingerprint_of,
    joined,
    latest_end,
)

CAPTURED = sorted((Path(__file__).parents[1] / "data" / "webhooks").glob("*.json"))


def firing(start: int, end: int | None = None, fingerprint: str = "f") -> IncidentWindow:
    return IncidentWindow(
        fingerprint=fingerprint, starts_at_ms=start, ends_at_ms=end, labels={"alertname": "Down"}
    )


def ends(windows) -> dict[int, int | None]:
    return {window.starts_at_ms: window.ends_at_ms for window in windows}


def test_fingerprints_are_alertmanagers_own():
    """Computed from the labels alone, for every alert that a real Alertmanager sent."""
    alerts = [
        alert for path in CAPTURED for alert in json.loads(path.read_text())["body"]["alerts"]
    ]

    assert len(CAPTURED) == 17
    assert [alert["fingerprint"] for alert in alerts] == [
        fingerprint_of(alert["labels"]) for alert in alerts
    ]


def test_reports_join_the_same_way_in_any_order():
    """Firing, repeated, resolved, resolved again later: the latest end wins, whatever came last."""
    reports = [ToldWindow("f", 10, end, "{}", "{}") for end in (None, None, 30, 25)]

    for order in permutations(reports):
        assert ends(joined(order)) == {10: 30}


@given(st.one_of(st.none(), st.integers()), st.one_of(st.none(), st.integers()))
def test_joining_ends_is_the_same_both_ways(first, second):
    """A known end is kept."""
    assert latest_end(first, second) == latest_end(second, first)
    assert latest_end(first, first) == first


def test_a_later_firing_ends_the_one_before():
    """Alertmanager sends no resolve for a flap within one group interval."""
    flapped = [firing(10), firing(50), firing(90)]

    assert ends(bounded(flapped)) == {10: 50, 50: 90, 90: None}


def test_a_known_end_is_not_moved_by_a_later_firing():
    """Only what has no end of its own is bounded."""
    assert ends(bounded([firing(50), firing(10, 20)])) == {10: 20, 50: None}


def test_other_alerts_bound_nothing():
    """An alert ends its own firings only."""
    windows = bounded([firing(10, fingerprint="a"), firing(50, fingerprint="b")])

    assert ends(windows) == {10: None, 50: None}
