"""Label matchers, as Alertmanager writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.matchers import Matcher, quote

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
