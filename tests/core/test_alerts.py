"""Evidence: measurement, alerts, both or either; and how they disagree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.alerts import AlertRules, EvidenceMode
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.incidents import Change, IncidentNote, IncidentWindow
from sla_exporter.core.quorum import ALL
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.settlement import Evidence, settle, settled_span
from sla_exporter.core.windows import Window
from tests.cast import ACME, GOLD, HOUR, MINUTE, OCTOBER, at, contract

SPAN = OCTOBER.span


def incident(start: int, end: int | None, **changes) -> IncidentWindow:
    labels = {"alertname": "SiteDown", "customer": "acme"}
    plain = IncidentWindow(fingerprint="f" * 16, starts_at_ms=start, ends_at_ms=end, labels=labels)
    return replace(plain, **changes)


def dismissed(start: int, end: int) -> IncidentWindow:
    note = IncidentNote(what=Change.DISMISSED, who="ana", why="the prober's disk", at_ms=1)
    return incident(start, end, notes=(note,))


def down(mode: str, measured, incidents, unknown=(), **rules) -> SeriesState:
    state = SeriesState(down=tuple(measured), unknown=tuple(unknown))
    return AlertRules(evidence=EvidenceMode(mode), **rules).decide(state, incidents, SPAN)


SEEN_BY_BOTH = Window(at(3, 10), at(3, 11))
MEASURED_ONLY = Window(at(5, 10), at(5, 11))
ALERTED_ONLY = Window(at(7, 10), at(7, 11))
ALERTS = [incident(at(3, 10, 2), at(3, 11, 1)), incident(*ALERTED_ONLY)]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("metrics", [SEEN_BY_BOTH, MEASURED_ONLY]),
        ("alerts", [Window(at(3, 10, 2), at(3, 11, 1)), ALERTED_ONLY]),
        ("confirmed", [SEEN_BY_BOTH]),
        ("either", [Window(at(3, 10), at(3, 11, 1)), MEASURED_ONLY, ALERTED_ONLY]),
    ],
)
def test_the_mode_says_what_is_downtime(mode, expected):
    """Measured edges win where both must agree within the tolerance."""
    assert list(down(mode, [SEEN_BY_BOTH, MEASURED_ONLY], ALERTS).down) == expected


def test_the_time_before_an_alert_fires_is_known():
    """startsAt is when the rule's ``for`` was over; for_offset gives it back."""
    found = down("alerts", [], [incident(at(3, 10), at(3, 11))], lag_ms=5 * MINUTE)

    assert found.down == (Window(at(3, 9, 55), at(3, 11)),)


def test_both_must_agree_beyond_the_tolerance():
    """An outage of three hours that alerts call one of one hour counts for that hour."""
    measured = [Window(at(3, 9), at(3, 12))]
    told = [incident(at(3, 10), at(3, 11))]

    found = down("confirmed", measured, told, tolerance_ms=5 * MINUTE)

    assert found.down == (Window(at(3, 9, 55), at(3, 11, 5)),)


@pytest.mark.parametrize(
    ("measured", "alert"),
    [
        (
            Window(SPAN.end_ms - 4 * MINUTE, SPAN.end_ms),
            Window(SPAN.end_ms + 1, SPAN.end_ms + HOUR),
        ),
        (Window(SPAN.start_ms, at(1, 0, 4)), Window(SPAN.start_ms - HOUR, SPAN.start_ms - 1)),
        (Window(at(3, 10), at(3, 10, 4)), Window(at(3, 10, 4) + 1, at(3, 11))),
    ],
)
def test_an_alert_from_just_outside_confirms_too(measured, alert):
    """Where a month begins or ends, edges may differ as anywhere else."""
    assert down("confirmed", [measured], [incident(*alert)]).down == (measured,)


@pytest.mark.parametrize("mode", ["alerts", "confirmed", "either"])
def test_a_dismissed_incident_did_not_happen(mode):
    """Whatever the mode."""
    both = [Window(at(3, 10), at(3, 11))]

    found = down(mode, both if mode == "confirmed" else [], [dismissed(at(3, 10), at(3, 11))])

    assert found.down == ()


@pytest.mark.parametrize(
    ("mode", "unknown"),
    [
        ("metrics", [Window(at(3, 9), at(3, 12))]),
        ("confirmed", [Window(at(3, 9), at(3, 12))]),
        ("alerts", [Window(at(3, 9), at(3, 10)), Window(at(3, 11), at(3, 12))]),
        ("either", [Window(at(3, 9), at(3, 10)), Window(at(3, 11), at(3, 12))]),
    ],
)
def test_what_nobody_measured_is_unknown_unless_an_alert_says_down(mode, unknown):
    """A prober that died fires no alert, so silence proves nothing."""
    told = [incident(at(3, 10), at(3, 11))]

    found = down(mode, [], told, unknown=[Window(at(3, 9), at(3, 12))])

    assert list(found.unknown) == unknown


def test_parallel_alerts_are_a_union():
    """Never a sum; and an open one lasts to the end of the span."""
    told = [incident(at(30), None), incident(at(30), at(31), fingerprint="e" * 16)]

    assert down("alerts", [], told).down == (Window(at(30), SPAN.end_ms),)


def told(mode: str, measured, incidents, unknown=(), **rules) -> list[str]:
    """Give the codes of what stands in the reasoning about alerts."""
    acme = contract(ACME, "499.90")
    span = settled_span(acme, OCTOBER)
    assert span is not None
    alerts = AlertRules(evidence=EvidenceMode(mode), **rules)
    state = SeriesState(down=tuple(measured), unknown=tuple(unknown))
    evidence = Evidence(
        state=alerts.decide(state, incidents, span),
        measured=state,
        series=1,
        interval_ms=MINUTE,
        quorum=ALL,
        incidents=tuple(incidents),
        alerts=alerts,
        has_alerts=True,
    )
    settlement = settle(
        contract=acme, policy=GOLD, period=OCTOBER, span=span, evidence=evidence,
        mode=Mode.AUTOMATIC,
    )  # fmt: skip
    words = ("alert", "confirmed", "evidence", "dismissed")
    return [s.code for s in settlement.steps if any(word in s.code for word in words)]


@pytest.mark.parametrize(
    ("mode", "codes"),
    [
        ("metrics", ["outage_without_alert", "alert_without_outage"]),
        ("alerts", ["evidence_alerts", "outage_not_confirmed", "alert_counts_alone"]),
        ("confirmed", ["evidence_confirmed", "outage_not_confirmed", "alert_without_outage"]),
        ("either", ["evidence_either", "outage_without_alert", "alert_counts_alone"]),
    ],
)
def test_where_they_disagree_both_are_shown(mode, codes):
    """And which of them counts."""
    assert told(mode, [SEEN_BY_BOTH, MEASURED_ONLY], ALERTS) == codes


def test_what_is_not_confirmed_of_an_outage_is_shown():
    """Of three hours, alerts say one; the two others are told, and do not count."""
    measured = [Window(at(3, 9), at(3, 12))]
    alerts = [incident(at(3, 10), at(3, 11))]

    assert told("confirmed", measured, alerts) == [
        "evidence_confirmed",
        "outage_not_confirmed",
        "outage_not_confirmed",
    ]


def test_an_alert_that_fires_on_is_shown():
    """By an hour more than the outage, which alone counts."""
    alerts = [incident(at(3, 10), at(3, 12))]

    assert told("metrics", [SEEN_BY_BOTH], alerts) == ["alert_without_outage"]
    assert told("either", [SEEN_BY_BOTH], alerts) == ["evidence_either", "alert_counts_alone"]


def test_an_alert_from_just_outside_is_shown_where_it_confirms():
    """It stands in the reasoning with the part that is near enough, and nothing is amiss."""
    late = incident(SPAN.end_ms + MINUTE, SPAN.end_ms + HOUR)
    measured = [Window(SPAN.end_ms - 10 * MINUTE, SPAN.end_ms)]

    assert told("confirmed", measured, [late]) == ["evidence_confirmed", "outage_not_confirmed"]
    assert told("confirmed", [Window(SPAN.end_ms - 4 * MINUTE, SPAN.end_ms)], [late]) == [
        "evidence_confirmed"
    ]


def test_an_outage_that_is_too_short_to_fire_is_no_disagreement():
    """The rule waits five minutes."""
    short = Window(at(5, 10), at(5, 10, 4))

    assert told("metrics", [short], [], lag_ms=5 * MINUTE) == []


def test_nothing_measured_does_not_disagree_with_an_alert():
    """Nobody knows better."""
    unknown = [Window(at(7), at(8))]

    assert told("metrics", [], [incident(*ALERTED_ONLY)], unknown=unknown) == []


def test_a_dismissal_is_shown_with_its_reason():
    """And the outage that was measured stands alone now."""
    found = told("metrics", [SEEN_BY_BOTH], [dismissed(at(3, 10), at(3, 10) + HOUR)])

    assert found == ["incident_dismissed", "outage_without_alert"]
