"""Repairs: what webhooks lost, cut short or left open, from the samples of ALERTS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.incidents import Change, IncidentWindow, fingerprint_of
from sla_exporter.core.repairs import (
    GRACE_MS,
    Relabelling,
    by_list,
    by_series,
    firings_of,
    interval_of,
    intervals_of,
)
from tests.cast import DAY, HOUR, MINUTE, at

LABELS = {"alertname": "SiteDown", "customer": "acme"}
FINGERPRINT = fingerprint_of(LABELS)
S, E = at(3, 10), at(3, 11)
NOW = at(4)


def window(start: int = S, end: int | None = E, **changes) -> IncidentWindow:
    plain = IncidentWindow(
        fingerprint=FINGERPRINT, starts_at_ms=start, ends_at_ms=end, labels=LABELS
    )
    return replace(plain, **changes)


def samples(start: int, end: int) -> list[int]:
    """Give the moments at which a firing from start to end was evaluated."""
    return list(range(start, end, MINUTE))


def mended(known, *firings: tuple[int, int], now: int = NOW) -> list[tuple[str, int, int | None]]:
    moments = [moment for start, end in firings for moment in samples(start, end)]
    seen = firings_of(LABELS, moments, MINUTE, now)
    found = by_series(known, seen, now)
    return [(a.note.what.value, a.window.starts_at_ms, a.window.ends_at_ms) for a in found]


def test_firings_begin_with_a_sample_and_end_an_interval_after_their_last():
    """As startsAt and endsAt of a webhook do, to the millisecond."""
    moments = [*samples(S, E), *samples(at(3, 12), at(3, 13))]

    found = list(firings_of(LABELS, moments, MINUTE, NOW))

    windows = [firing.window for firing in found]
    assert [(w.starts_at_ms, w.ends_at_ms) for w in windows] == [(S, E), (at(3, 12), at(3, 13))]
    assert {w.fingerprint for w in windows} == {FINGERPRINT}


def test_a_firing_goes_on_over_a_missed_evaluation():
    """One sample missing is no end."""
    moments = [S, S + MINUTE, S + 3 * MINUTE]

    (found,) = firings_of(LABELS, moments, MINUTE, NOW)

    assert found.window.ends_at_ms == S + 4 * MINUTE


def test_what_fires_at_the_end_of_what_was_read_has_no_end():
    """It may go on."""
    (found,) = firings_of(LABELS, samples(S, E), MINUTE, E)

    assert found.window.ends_at_ms is None


def test_no_samples_are_no_firing():
    """And one sample is one interval."""
    assert list(firings_of(LABELS, [], MINUTE, NOW)) == []
    (once,) = firings_of(LABELS, [S], MINUTE, NOW)
    assert once.window.ends_at_ms == S + MINUTE


def test_what_webhooks_told_right_is_left_alone():
    """The usual case."""
    assert mended([window()], (S, E)) == []


def test_an_alert_that_no_webhook_told_of_is_found():
    """It fired and resolved within group_wait, or max_alerts cut it off."""
    assert mended([], (S, E)) == [("found", S, E)]


def test_a_window_that_was_left_open_is_ended():
    """It resolved under a silence, or while Alertmanager was away."""
    assert mended([window(end=None)], (S, E)) == [("ended", S, E)]


def test_a_window_that_was_cut_short_is_prolonged():
    """Alertmanager resolved it by itself, and the second resolve got lost."""
    assert mended([window(end=S + 5 * MINUTE)], (S, E)) == [("extended", S, E)]


def test_an_end_that_comes_late_is_left_alone():
    """Measurement says what it was; webhooks may say more than ALERTS, not less."""
    assert mended([window(end=E + 4 * MINUTE)], (S, E)) == []


def test_a_flap_without_a_resolve_ends_where_it_ended():
    """Not where the next firing began; and that one is found too."""
    again = E + 3 * MINUTE

    assert mended([window(end=None)], (S, E), (again, again + HOUR)) == [
        ("ended", S, E),
        ("found", again, again + HOUR),
    ]


def test_a_restart_of_prometheus_does_not_end_what_goes_on():
    """ALERTS has a gap, and Alertmanager lists the alert as firing since its old start."""
    listed = window(end=None, listed_at_ms=NOW)

    found = mended([listed], (S, E), (E + 3 * MINUTE, NOW))

    assert ("ended", S, E) not in found


def test_a_gap_within_a_window_that_was_told_whole_is_no_second_incident():
    """Alertmanager bridged the restart of Prometheus."""
    assert mended([window(end=at(3, 12))], (S, E), (E + 4 * MINUTE, at(3, 12))) == []


def test_what_fires_on_after_a_gap_is_the_window_that_is_open():
    """Prometheus was restarted; Alertmanager lists one alert, since its old start."""
    listed = window(end=None, listed_at_ms=NOW)

    assert mended([listed], (S, E), (E + 5 * MINUTE, NOW)) == []


def test_a_firing_whose_beginning_was_deleted_is_the_window_that_is_open():
    """It has fired for longer than Prometheus keeps samples; in the end it ends once."""
    told, listed = window(end=None), window(end=None, listed_at_ms=at(3, 20))

    assert mended([told], (S + 2 * HOUR, NOW)) == []
    assert mended([listed], (S + 2 * HOUR, NOW)) == []
    assert mended([listed], (S + 2 * HOUR, at(3, 20))) == [("ended", S, at(3, 20))]


def test_what_two_prometheus_know_is_found_once():
    """Their samples differ by seconds."""
    first, second = samples(S, E), [moment + 7_000 for moment in samples(S, E)]
    seen = [
        firing for moments in (first, second) for firing in firings_of(LABELS, moments, MINUTE, NOW)
    ]

    assert [a.window.starts_at_ms for a in by_series([], seen, NOW)] == [S]


def test_a_window_that_was_cut_short_is_opened_while_its_alert_fires():
    """Alertmanager was cut off from Prometheus and resolved it by itself."""
    cut = window(end=S + 5 * MINUTE)

    assert mended([cut], (S, NOW)) == [("reopened", S, None)]
    assert mended([cut], (S, S + 14 * MINUTE), now=S + 14 * MINUTE) == []
    assert mended([window(end=None)], (S, NOW)) == []


def test_a_window_that_alertmanager_lists_is_left_to_it():
    """It would end it at the next comparison, again and again; in the end it is prolonged."""
    listed = window(end=S + 5 * MINUTE, listed_at_ms=S + 4 * MINUTE)

    assert mended([listed], (S, NOW)) == []
    assert mended([listed], (S, E)) == [("extended", S, E)]


def test_webhooks_get_their_time():
    """What fired or ended only now is not called lost."""
    assert mended([], (S, E), now=S + GRACE_MS - 1) == []
    assert mended([window(end=None)], (S, E), now=E + GRACE_MS - 1) == []
    assert mended([window(end=None)], (S, E), now=E + GRACE_MS + 1) == [("ended", S, E)]


def test_repairing_again_changes_nothing():
    """Each run starts from what the last one left."""
    (found,) = by_series([], firings_of(LABELS, samples(S, E), MINUTE, NOW), NOW)

    assert mended([found.window], (S, E)) == []


def test_the_interval_is_the_commonest_spacing():
    """A minute where nothing tells."""
    assert interval_of([[0, 15, 30, 90], [0, 15]]) == 15
    assert interval_of([[7]]) == MINUTE


def test_of_spacings_that_are_as_common_the_shortest_is_the_interval():
    """The longer ones lie between two firings."""
    assert interval_of([[0, HOUR, HOUR + MINUTE]]) == MINUTE


def test_each_series_of_alerts_has_an_interval_of_its_own():
    """One with two samples asks others of the same alert; one alone takes what is usual."""
    fast = ("Fast", range(0, HOUR, 15_000))
    slow = ("Slow", range(0, HOUR, 5 * MINUTE))

    found = intervals_of([fast, slow, ("Slow", [0, HOUR]), ("Fast", [0]), ("Else", [0])])

    assert found == [15_000, 5 * MINUTE, 5 * MINUTE, 15_000, 15_000]


def test_labels_are_changed_as_on_their_way_to_alertmanager():
    """External labels are added, an alert's own go first, replica labels are dropped."""
    relabelling = Relabelling(
        added={"cluster": "eu", "replica": "a", "customer": "none"}, dropped=frozenset({"replica"})
    )

    found = relabelling.apply({**LABELS, "alertstate": "firing"})

    assert found == {"alertname": "SiteDown", "customer": "acme", "cluster": "eu"}


def listing(known, listed, now: int = NOW) -> list[tuple[Change, int, int | None]]:
    return [
        (a.note.what, a.window.starts_at_ms, a.window.ends_at_ms)
        for a in by_list(known, listed, now)
    ]


def test_what_alertmanager_lists_and_no_webhook_told_of_is_found():
    """Once its webhook had its time."""
    firing = window(end=None)

    assert listing([], [firing]) == [(Change.FOUND, S, None)]
    assert listing([], [firing], S + GRACE_MS - 1) == []


def test_what_ended_and_is_listed_again_is_opened_again():
    """The same fingerprint and the same start, after Alertmanager resolved it by itself."""
    assert listing([window()], [window(end=None)]) == [(Change.REOPENED, S, None)]
    assert listing([window()], [window(end=None)], E + GRACE_MS - 1) == []


@pytest.mark.parametrize(
    ("listed_at", "found"),
    [
        (None, []),  # it may be another Alertmanager's
        (NOW - MINUTE, []),
        (NOW - HOUR, [(Change.ENDED, S, NOW - HOUR)]),
    ],
)
def test_what_was_listed_and_is_no_more_ends_when_it_was_listed_last(listed_at, found):
    """Where ALERTS cannot tell; absence for a moment is none."""
    assert listing([window(end=None, listed_at_ms=listed_at)], []) == found


def test_a_window_of_long_ago_is_not_taken_for_a_new_firing():
    """Open since a month ago: the new firing is one of its own."""
    old = window(start=S - 30 * DAY, end=None)

    assert mended([old], (S, E)) == [("found", S, E)]
