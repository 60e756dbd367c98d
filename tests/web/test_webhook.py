"""Reading a webhook: what is wrong with one alert never costs the others."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter import webhook as module
from sla_exporter.webhook import TooManyAlerts, read_body, read_webhook

BODY = json.loads(
    (Path(__file__).parents[1] / "data/webhooks/03_partially_resolved_group.json").read_text()
)["body"]


def changed(index: int | None = None, **changes):
    body = copy.deepcopy(BODY)
    (body if index is None else body["alerts"][index]).update(changes)
    return body


def test_a_group_is_read_alert_by_alert():
    """The status of the group says nothing about its alerts."""
    webhook = read_webhook(BODY)

    assert webhook.statuses == ("resolved", "firing")
    assert [window.ends_at_ms for window in webhook.windows] == [1_795_437_671_890, None]
    assert json.loads(webhook.windows[0].labels)["alertname"] == "ProbeDown"
    assert json.loads(webhook.windows[0].annotations) == {"summary": "a down"}
    assert webhook.sender == "http://vm:19303"
    assert webhook.problems == ()


def test_keys_of_newer_alertmanagers_are_ignored():
    """Such as notification_reason."""
    assert read_webhook(changed(notification_reason="repeat", routeLabels={})).problems == ()


@pytest.mark.parametrize(
    "body",
    [None, [], 7, "x", {}, {"version": "4"}, changed(version="3"), changed(alerts="none")],
)
def test_what_is_no_webhook_is_refused(body):
    """The sentence says what it should have been."""
    with pytest.raises(ValueError, match="not an Alertmanager webhook of version 4"):
        read_webhook(body)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "sleeping"}, "status"),
        ({"labels": None}, "labels"),
        ({"startsAt": "yesterday"}, "startsAt"),
        ({"startsAt": "0001-01-01T00:00:00Z"}, "startsAt is not a moment"),
        ({"startsAt": "2026-11-23T12:40:57"}, "no time zone"),
        ({"endsAt": "0001-01-01T00:00:00Z"}, "endsAt of a resolved alert"),
        ({"endsAt": "2026-11-23T12:40:00Z"}, "endsAt is before startsAt"),
        ({"fingerprint": "../../etc/passwd"}, "fingerprint"),
    ],
)
def test_a_bad_alert_does_not_cost_the_good_one(change, said):
    """The other alert of the group is read all the same."""
    webhook = read_webhook(changed(0, **change))

    assert webhook.statuses == ("firing",)
    assert len(webhook.problems) == 1
    assert webhook.problems[0].startswith("alert 0: ")
    assert said in webhook.problems[0]


def test_a_missing_fingerprint_is_computed():
    """It is a function of the labels."""
    body = copy.deepcopy(BODY)
    del body["alerts"][0]["fingerprint"]

    assert read_webhook(body).windows[0].fingerprint == BODY["alerts"][0]["fingerprint"]


@pytest.mark.parametrize("alert", [BODY["alerts"][1], {}], ids=["good", "bad"])
def test_too_many_alerts_are_refused(monkeypatch, alert):
    """Whether they can be read or not."""
    monkeypatch.setattr(module, "MOST_ALERTS", 10)
    many = {**BODY, "alerts": [alert] * 11}

    with pytest.raises(TooManyAlerts, match="more than 10 alerts"):
        read_body(json.dumps(many).encode())
    assert read_body(json.dumps({**many, "alerts": [alert] * 10}).encode())


@pytest.mark.parametrize("value", [b"{}", b"[]", b"0"])
def test_no_millions_of_values_are_made_of_a_body(value):
    """Wherever in it they stand: it is not even decoded."""
    body = b'{"version": "3", "more": [' + b",".join([value] * 4_000_000) + b"]}"

    with pytest.raises(TooManyAlerts):
        read_body(body)


def test_the_first_problems_are_said_and_all_are_counted():
    """A sentence for each of a hundred thousand helps nobody."""
    webhook = read_webhook(changed(alerts=[{}] * 1_000 + BODY["alerts"]))

    assert len(webhook.problems) == 5
    assert webhook.unreadable == 1_000
    assert len(webhook.windows) == 2


def test_the_first_label_that_is_no_text_is_said():
    """The others are not looked at any more."""
    labels = {f"n{number}": number for number in range(1_000)}

    (said,) = read_webhook(changed(0, labels=labels)).problems

    assert said.endswith("'n0' is no text")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
_keys = st.sampled_from(["status", "labels", "annotations", "startsAt", "endsAt", "fingerprint"])


@given(st.dictionaries(_keys, _json))
def test_no_value_of_an_alert_is_a_crash(changes):
    """Whatever stands there, it is a problem in a sentence, or an alert."""
    webhook = read_webhook(changed(0, **changes))

    assert len(webhook.windows) + len(webhook.problems) == 2
