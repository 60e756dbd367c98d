"""Credits on request, and scheduled work that is paid for: from the YAML to the outcome."""

from __future__ import annotations

import pytest

from sla_exporter.core.policy.trial import run_trial
from sla_exporter.settings.trials import load_trials

PLAIN = """
policies:
  plain:
    objective: 100%
    credit: {flat: 10%}
    claim: on request
"""
PAID_WORK = """
policies:
  plain:
    maintenance: {announced: 7 days before}
    credit:
      sum:
        - block: {every: 1h, pays: EUR 1.00, per: outage}
        - block: {every: 1h, pays: EUR 0.10, per: outage, on: maintenance}
"""


def outcome_of(tmp_path, policy, facts):
    """Run one made-up case of a policy."""
    (tmp_path / "plain.yml").write_text(policy)
    trial = (
        "policy_file: plain.yml\n"
        "tests:\n"
        "  - name: case\n"
        "    contract: {fee: 100.00, currency: EUR}\n"
        "    outages: 2026-11-03T10:00Z + 1h\n"
        f"    {facts}\n"
        "    expect: {}\n"
    )
    (tmp_path / "plain_test.yml").write_text(trial)
    (found,) = load_trials(tmp_path / "plain_test.yml")
    return run_trial(found).outcome


@pytest.mark.parametrize(
    ("facts", "state", "code"),
    [
        ("period: 2026-11", "needed", "claim_needed_any_time"),
        ("claimed: 2031-01-01T00:00Z", "made", "claim_made_any_time"),
    ],
)
def test_a_claim_without_a_deadline_is_never_late(tmp_path, facts, state, code):
    """It is waited for, however long."""
    outcome = outcome_of(tmp_path, PLAIN, facts)

    assert outcome.claim == state
    assert outcome.credit.minor == 1000
    assert outcome.steps[-1].code == code


@pytest.mark.parametrize(
    ("announced", "cents"),
    [("2026-10-27T10:00Z", 10), ("2026-10-27T10:01Z", 100)],
)
def test_work_announced_too_late_is_an_outage_and_not_paid_twice(tmp_path, announced, cents):
    """It costs what scheduled work costs, or what an outage costs, never both."""
    work = f"{{at: 2026-11-03T10:00Z + 1h, announced: {announced}}}"
    outcome = outcome_of(tmp_path, PAID_WORK, f"exclusions: [{work}]")

    assert outcome.credit.minor == cents
