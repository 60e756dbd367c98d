"""Exact arithmetic: published figures of a calculator, and traps for binary floating point."""

from __future__ import annotations

from textwrap import dedent

import pytest

from sla_exporter.core.policy.trial import run_trial
from sla_exporter.settings.trials import load_trials


def differences_of(tmp_path, policy, trial):
    """Run one made-up case, and give what is not as expected."""
    (tmp_path / "plain.yml").write_text(dedent(policy))
    (tmp_path / "plain_test.yml").write_text(dedent(trial))
    (found,) = load_trials(tmp_path / "plain_test.yml")
    return run_trial(found).differences


@pytest.mark.parametrize(
    ("down", "excluded", "availability", "credit"),
    [
        ("42m", "5m", "99.9144%", "250.00"),
        ("180m", "20m", "99.6296%", "625.00"),
        ("2460m", "60m", "94.4444%", "1250.00"),
    ],
)
def test_a_published_calculator_says_the_same(tmp_path, down, excluded, availability, credit):
    """Its three examples; it does not print the limits of its rows, so these are our own."""
    policy = """
        policies:
          calculator:
            objective: 99.95%
            maintenance: {leaves: numerator}
            credit:
              tiers:
                - {below: 99.95%, pays: 10%}
                - {below: 99.9%, pays: 25%}
                - {below: 95%, pays: 50%}
        """
    trial = f"""
        policy_file: plain.yml
        tests:
          - name: example
            contract: {{fee: 2500.00, currency: USD}}
            outages: 2026-11-03T10:00Z + {down}
            exclusions: 2026-11-03T10:00Z + {excluded}
            expect: {{availability: {availability}, credit: USD {credit}}}
        """

    assert differences_of(tmp_path, policy, trial) == ()


@pytest.mark.parametrize(
    ("period", "objective", "outage"),
    [
        ("calendar month", "99.5%", "2028-02-03T10:00Z + 208m48s"),
        ("calendar quarter", "99.95%", "2026-02-03T10:00Z + 64m48s"),
        ("calendar year", "99.95%", "2026-02-03T10:00Z + 262m48s"),
    ],
)
@pytest.mark.parametrize("more", ["", "1s"])
def test_just_the_allowed_downtime_is_no_breach(tmp_path, period, objective, outage, more):
    """In binary floating point these come out below the objective."""
    policy = f"""
        policies:
          exact:
            objective: {objective}
            period: {period}
            credit: {{flat: 10%}}
        """
    trial = f"""
        policy_file: plain.yml
        tests:
          - name: limit
            contract: {{fee: 100.00, currency: USD}}
            outages: {outage}{more}
            expect: {{breached: {str(bool(more)).lower()}}}
        """

    assert differences_of(tmp_path, policy, trial) == ()


@pytest.mark.parametrize(
    ("pays", "form", "expected"),
    [
        ("1 day", "account credit", "credit: USD 10.00"),
        ("3 days", "extension", "extension: 3 days"),
        ("1 month", "extension", "extension: 30 days"),
    ],
)
def test_a_month_with_a_clock_change_has_as_many_days_as_the_calendar_says(
    tmp_path, pays, form, expected
):
    """November has 30 days and 1 hour in New York; a day of it costs a thirtieth all the same."""
    policy = f"""
        policies:
          local:
            objective: 99.9%
            period: {{calendar month: America/New_York}}
            credit: {{flat: {pays}}}
            form: {form}
        """
    trial = f"""
        policy_file: plain.yml
        tests:
          - name: a day
            contract: {{fee: 300.00, currency: USD}}
            outages: 2026-11-03T10:00Z + 2h
            expect: {{{expected}}}
        """

    assert differences_of(tmp_path, policy, trial) == ()


@pytest.mark.parametrize("formula", ["flat: 10%", "streak: {periods: 1, pays: 10%}"])
@pytest.mark.parametrize(
    ("facts", "credit"),
    [
        ("period: 2026-11", "0.00"),
        ("outages: 2026-11-03T10:00Z + 1s", "10.00"),
        ("{period: 2026-11, availability: 100%}", "0.00"),
        ("{period: 2026-11, availability: 99.9%}", "10.00"),
    ],
)
def test_a_month_without_an_outage_is_never_paid_for(tmp_path, formula, facts, credit):
    """Without an objective every outage counts, but there must be one."""
    policy = f"""
        policies:
          plain:
            credit: {{{formula}}}
        """
    trial = f"""
        policy_file: plain.yml
        tests:
          - {{name: a month, contract: {{fee: 100.00, currency: USD}}, {facts.strip("{}")},
             expect: {{credit: USD {credit}}}}}
        """

    assert differences_of(tmp_path, policy, trial) == ()
