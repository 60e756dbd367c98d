"""The ready policies: every published example and every case derived from one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sla_exporter.core.policy.example import example
from sla_exporter.core.policy.flaws import flaws
from sla_exporter.core.policy.trial import run_trial
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.notices.terms import write_terms
from sla_exporter.settings.policies import load_policies
from sla_exporter.settings.trials import load_trials

FOLDER = Path(__file__).parents[1] / "rules" / "policies"
TESTS = sorted(FOLDER.glob("*_test.yml"))
FORMATS = JinjaRenderer("").formats("pt_BR")
TRIALS = [trial for file in TESTS for trial in load_trials(file)]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: f"{trial.policy.name}: {trial.name}")
def test_an_example_comes_out_as_published(trial):
    """To the cent, or flagged with the reason why a person must decide."""
    assert run_trial(trial).differences == ()


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_every_policy_of_a_file_is_tested(file):
    """No ready policy without an example."""
    tested = {trial.policy.name for trial in load_trials(file)}

    assert tested == set(load_policies(file.with_name(file.name.replace("_test.yml", ".yml"))))


READY = [file.with_name(file.name.replace("_test.yml", ".yml")) for file in TESTS]


@pytest.mark.parametrize("file", READY, ids=lambda file: file.stem)
def test_a_ready_policy_has_no_flaw(file):
    """What its text leaves open is left to a person on purpose."""
    found = [
        flaw for ready in load_policies(file).values() for p in ready.policies for flaw in flaws(p)
    ]

    assert [flaw.said for flaw in found if flaw.wrong] == []


@pytest.mark.parametrize("file", READY, ids=lambda file: file.stem)
def test_a_ready_policy_can_be_written_out(file):
    """As terms of service, in every language."""
    for ready in load_policies(file).values():
        for policy in ready.policies:
            written = write_terms(policy, example(policy), FORMATS)
            assert written.sections[-1].parts


def test_every_file_has_its_tests():
    """And there are some."""
    plain = {file.stem for file in FOLDER.glob("*.yml")} - {file.stem for file in TESTS}

    assert plain == {file.stem.removesuffix("_test") for file in TESTS}
    assert len(TRIALS) >= len(plain)
