"""Limits that are no objective, pro rata of promised time, and the better one of two promises."""

from __future__ import annotations

from textwrap import dedent

from sla_exporter.core.policy.trial import run_trial
from sla_exporter.settings.trials import load_trials


def differences_of(tmp_path, policy, trial):
    """Run one made-up case, and give what is not as expected."""
    (tmp_path / "plain.yml").write_text(dedent(policy))
    (tmp_path / "plain_test.yml").write_text(dedent(trial))
    (found,) = load_trials(tmp_path / "plain_test.yml")
    return run_trial(found).differences


def test_a_month_over_its_gate_is_broken_although_nothing_is_due_yet(tmp_path):
    """Without it, no streak of such months could ever begin."""
    policy = """
        policies:
          gate:
            grace: gate of 45m
            credit: {streak: {periods: 3, pays: right to terminate}}
        """
    trial = """
        policy_file: plain.yml
        tests:
          - name: the first month
            contract: {fee: 100.00, currency: EUR}
            outages: 2026-11-03T10:00Z + 46m
            expect: {breached: true, may_terminate: false, credit: EUR 0.00}
        """

    assert differences_of(tmp_path, policy, trial) == ()


def test_pro_rata_of_promised_time_divides_by_less(tmp_path):
    """A day of thirty was excluded: an hour is one of 696 and not of 720."""
    policy = """
        policies:
          promised: {credit: {prorata: {over: promised time}}}
        """
    trial = """
        policy_file: plain.yml
        tests:
          - name: an hour
            contract: {fee: 696.00, currency: EUR}
            outages: 2026-11-03T10:00Z + 60m
            exclusions: 2026-11-10T00:00Z + 24h
            expect: {credit: EUR 1.00}
        """

    assert differences_of(tmp_path, policy, trial) == ()


def test_of_two_promises_the_better_one_counts(tmp_path):
    """A network and the service behind it fail together: 5 and 30 euros are 30, not 35."""
    policy = """
        policies:
          better:
            credit: {highest: [{flat: EUR 5.00}, {flat: EUR 30.00}]}
        """
    trial = """
        policy_file: plain.yml
        tests:
          - name: both
            contract: {fee: 100.00, currency: EUR}
            outages: 2026-11-03T10:00Z + 60m
            expect: {credit: EUR 30.00}
        """

    assert differences_of(tmp_path, policy, trial) == ()
