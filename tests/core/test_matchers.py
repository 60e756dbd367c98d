"""Label matchers, as Alertmanager writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.matchers import Matcher, parse_selector, quote

LABELS = {"alertname": "SiteDown", "job": "web-eu", "note": 'say "hi"\\now'}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('alertname="SiteDown"', True),
        ("alertname=SiteDown", True),
        ('alertname!="SiteDown"', False),
        ('job=~"web-.*"', True),
        ('job=~"web"', False),  # anchored at both ends
        ('job!~"db-.*"', True),
        ('team=""', True),  # a label that is not there is empty
        ('team=~".+"', False),
        (r'note="say \"hi\"\\now"', True),
    ],
)
def test_matching(text, expected):
    """A matcher judges the labels of an alert."""
    assert expected == Matcher.parse(text).matches(LABELS)


@pytest.mark.parametrize("text", ["", "alertname", 'a b="c"', 'a=="b"', '1a="b"', 'a=~"("', 'a="b'])
def test_what_is_no_matcher_is_refused(text):
    """Each of these is a sentence for the operator."""
    with pytest.raises(ValueError, match=r"matcher|regular expression"):
        Matcher.parse(text)


@given(st.text())
def test_any_value_survives_quoting(value):
    """A quoted value reads back as itself, so no value can end its string early."""
    assert value == Matcher.parse(f"label={quote(value)}").value


@pytest.mark.parametrize(
    "text",
    [
        "up",
        "job:up:max",
        'up{job="x"}',
        "up{}",
        '{__name__="up", job!~"a|b",}',
        """up{ job = 'it"s', a=`raw`,\n b="{}" }\n""",
        r'up{path=~"a\\.b\"c"}',
        '{"http.up", "service.name"="web"}',
        'up{a="1" or b="2"}',
    ],
)
def test_a_selector_is_taken_as_it_is(text):
    """In all the ways that Prometheus and VictoriaMetrics read one."""
    assert parse_selector(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "{}", "sum(up)", 'up{job="x"', 'up job="x"}', 'up{job="x}', "up{job=x}"),
        *("up == 1", "up offset 5m", "up[5m]", "1 - up", "up up", 'up{job="x"}}', 'up{,a="b"}'),
    ],
)
def test_what_selects_no_series_is_refused(text):
    """The first query would fail, without a file or a line."""
    with pytest.raises(ValueError, match="is not a selector of series"):
        parse_selector(text)
