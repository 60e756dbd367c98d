"""Policies with mistakes in odd places: understood, or refused in sentences."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_exporter.cli.flaws import flaw_sentence
from sla_exporter.core.policy.example import example
from sla_exporter.core.policy.flaws import flaws
from sla_exporter.errors import ConfigInvalid
from sla_exporter.notices.formats import plain
from sla_exporter.notices.terms import write_terms
from tests.settings.test_policy_language import EVERYTHING, load

READY = sorted((Path(__file__).parents[2] / "rules" / "policies").glob("*.yml"))
SOURCES = [EVERYTHING, *(file.read_text() for file in READY if not file.stem.endswith("_test"))]
LINE = re.compile(r"policies\.yml(:\d+)?: \S")


@settings(max_examples=1_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_thousand_mutated_policies_are_understood_or_refused_in_sentences(tmp_path, data):
    """What is understood can be evaluated, checked and written out, however odd it is."""
    words = re.split(r"(\s+|[{}\[\],:%])", data.draw(st.sampled_from(SOURCES)))
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(words) - 1))
        swapped = words[data.draw(st.integers(0, len(words) - 1))]
        odd = ["", "~", "{}", "[]", "-1", "0", "0%", "999999999999h", "1/3", "\n", "true", swapped]
        words[index] = data.draw(st.sampled_from(odd))
    try:
        policies = load(tmp_path, "".join(words))
    except ConfigInvalid as error:
        shown = [str(problem).replace(f"{tmp_path}/", "") for problem in error.problems]
        assert shown
        assert [problem for problem in shown if not LINE.match(problem)] == []
        return
    for policy in [policy for versions in policies.values() for policy in versions]:
        outcome = example(policy)
        assert outcome.credit.minor >= 0
        assert all(flaw_sentence(flaw) for flaw in flaws(policy))
        assert write_terms(policy, outcome, plain()).sections
