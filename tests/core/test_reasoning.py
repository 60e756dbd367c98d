"""Reasoning survives JSON exactly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.money import Money
from sla_exporter.core.reasoning import (
    Duration,
    Exact,
    Moment,
    Share,
    step,
    step_from_json,
    step_to_json,
)

_facts = st.one_of(
    st.builds(Share, st.fractions()),
    st.builds(Duration, st.integers()),
    st.builds(Moment, st.integers(), st.just("Europe/Berlin")),
    st.builds(Money, minor=st.integers(), currency=st.just("BRL")),
    st.builds(Exact, st.fractions(), st.just("JPY")),
    st.integers(),
    st.text(),
)


@given(st.dictionaries(st.text(min_size=1), _facts))
def test_a_step_reads_back_as_itself(facts):
    """Fractions, money and moments lose nothing on the way through the database."""
    written = step("some_code", **facts)

    assert written == step_from_json(json.loads(json.dumps(step_to_json(written))))


def test_what_is_no_fact_is_refused():
    """A float in a reasoning would be a figure that nobody can check."""
    with pytest.raises(ValueError, match="not a fact"):
        step_from_json({"code": "x", "facts": {"ratio": 0.5}})
