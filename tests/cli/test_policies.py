"""``test policies``, ``check policies`` and ``terms``, as a person meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sla_exporter.cli import main
from tests.settings.files import SMALL

if TYPE_CHECKING:
    from pathlib import Path

POLICIES = """\
policies:
  gold:
    objective: 99.95%
    credit: {tiers: [{below: 99.95%, pays: 10%}, {below: 99%, pays: 30%}]}
"""
TRIALS = """\
policy_file: gold.yml
tests:
  - name: an hour and a half
    contract: {fee: 499.90, currency: BRL, zone: America/Sao_Paulo}
    outages: 2026-10-03 10:00 + 95m
    expect: {availability: 99.79%, credit: BRL 49.99, form: account credit}
  - name: an afternoon
    contract: {fee: 499.90, currency: BRL}
    outages: [{at: '2026-10-03T10:00Z to 2026-10-03T20:00Z', affected: 40%}]
    exclusions: [{at: '2026-10-03T10:00Z + 30m', kind: force majeure}]
    unknown: 2026-10-05T00:00Z + 1h
    expect: {breached: true, downtime: 9h30m, credit: BRL 149.97, flags: []}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gold.yml").write_text(POLICIES)
    (tmp_path / "gold_test.yml").write_text(TRIALS)
    return tmp_path


def run(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_tests_that_pass(folder):
    """As short as promtool says it."""
    file = folder / "gold_test.yml"

    result = run("test", "policies", file)

    assert result.exit_code == 0
    assert result.output == f"Unit Testing:  {file}\n  SUCCESS: 2\n\n"


def test_a_test_that_fails(folder):
    """What was expected, what came out, and how it was calculated."""
    file = folder / "gold_test.yml"
    file.write_text(TRIALS.replace("BRL 49.99", "BRL 50.00"))

    result = run("test", "policies", file)

    assert result.exit_code == 1
    told = result.output.splitlines()
    assert told[:5] == [
        f"Unit Testing:  {file}",
        "  FAILED: 1 of 2",
        f"    {file}:3: an hour and a half (policy gold)",
        "      - credit: BRL 50.00",
        "      + credit: BRL 49.99",
    ]
    assert "        10% of BRL 499.90 (service fee) is BRL 49.99." in told


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("+ 95m", "for 95m", 5, "at: '2026-10-03 10:00 for 95m' is not a stretch of time"),
        ("2026-10-03 10:00", "noon", 5, "at: 'noon' is not a moment; write it as in 2026-10-03"),
        ("to 2026-10-03T20:00Z", "to 2026-10-03T09:00Z", 7, "an afternoon: it must end after it"),
        ("name: an", "policy: silver\n    name: an", 3, "there is no policy 'silver'; there are:"),
        ("gold.yml", "none.yml", 1, "policy_file: there is no file 'none.yml' beside this one"),
        ("currency: BRL, zone", "currency: XXX1, zone", 4, "currency: 'XXX1' is not an ISO 4217"),
        ("99.79%", "99.79", 6, "availability: '99.79' is not a percentage"),
        ("BRL 49.99", "49.99", 6, "credit: '49.99' is not an amount of money"),
        ("fee: 499.90, currency: BRL, z", "fee: 4.999, currency: BRL, z", 4, "fee: 4.999 BRL has"),
    ],
)
def test_a_mistake_in_a_test_file(folder, old, new, line, said):
    """A sentence with its line, and exit status 1."""
    file = folder / "gold_test.yml"
    file.write_text(TRIALS.replace(old, new, 1))

    result = run("test", "policies", file)

    assert result.exit_code == 1
    assert f"{file}:{line}: {said}" in result.output


ONE_IN_TWO = (
    "{at_least: 95%, below: 99.9%, pays: 1%}, {below: 95%, pays: 5%}, "
    "{at_least: 99%, up_to: 99.5%, pays: 2%}"
)
ONE_TOO_MANY = (
    "{above: 99%, below: 99.9%, pays: 1%}, {at_least: 98%, up_to: 99%, pays: 2%}, "
    "{below: 98%, pays: 3%}, {at_least: 99.9%, pays: 0%}"
)
NOT_20 = "{at_least: 10m, below: 20m, pays: 1 day}, {above: 20m, pays: 2 days}"
NOT_3 = "{at_least: 1, up_to: 2, pays: 1%}, {at_least: 4, pays: 2%}"
FLAWS = [
    ("credit: {tiers: [{below: 99%, pays: 10%}]}", "no row says what is due between 99% and 99.9%"),
    (f"credit: {{tiers: [{ONE_IN_TWO}]}}", "several rows claim what lies between 99% and 99.5%"),
    (f"credit: {{tiers: [{ONE_TOO_MANY}]}}", "the row that pays 0% can never apply"),
    (
        "credit: {tiers: [{below: 99.9%, pays: 30%}, {below: 99%, pays: 10%}]}",
        "the row that pays 10% stands for more downtime than one that pays 30%",
    ),
    (
        "credit: {tiers: [{below: 99.9%, pays: 30%}]}, cap: 25%",
        "the cap of 25% is under the row that pays 30%",
    ),
    (
        "credit: {flat: EUR 5.00}, cap: EUR 1.00, minimum: {over: EUR 1.00}",
        "the minimum of EUR 1.00 can never be reached",
    ),
    ("credit: {prorata: 1}, grace: gate of 90m", "1 h 30 min are not what an objective of 99.9%"),
    ("credit: {flat: 10%}, form: extension", "the form is an extension, but 10% is money"),
    ("credit: {flat: 10%}, form: right to terminate", "the form is a right to terminate, but 10%"),
    ("credit: {flat: EUR 5.00}, minimum: {over: USD 1.00}", "amounts in several currencies: EUR, "),
    (f"credit: {{table: [{NOT_20}]}}", "no row says what is due at 20 min"),
    (f"credit: {{count: {{what: x, rows: [{NOT_3}]}}}}", "no row says what is due at 3"),
]


@pytest.mark.parametrize(("keys", "said"), FLAWS)
def test_what_is_wrong_with_a_policy(tmp_path, keys, said):
    """In words, with the line; exit status 1."""
    file = tmp_path / "p.yml"
    file.write_text(f"policies:\n  one: {{objective: 99.9%, {keys}}}\n")

    result = run("check", "policies", file)

    assert result.exit_code == 1
    assert f"    {file}:2: policy 'one': {said}" in result.output


def test_a_deductible_of_nothing(tmp_path):
    """An objective of 100 % allows no downtime."""
    file = tmp_path / "p.yml"
    file.write_text(
        "policies:\n  one: {objective: 100%, grace: deductible, credit: {prorata: 1}}\n"
    )

    assert "a deductible needs an objective under 100%" in run("check", "policies", file).output


def test_what_is_left_to_a_person_on_purpose_is_a_note(tmp_path):
    """It fails nothing."""
    file = tmp_path / "p.yml"
    file.write_text(
        "policies:\n"
        "  one:\n"
        "    objective: 99.9%\n"
        "    credit: {tiers: {rows: [{below: 99%, pays: 10%}], holes: flag}}\n"
        "    discretionary: true\n"
        "    undecided: [{text: 'each hour', readings: {a: {}, b: {discretionary: false}}}]\n"
    )

    result = run("check", "policies", file)

    assert result.exit_code == 0
    notes = [line for line in result.output.splitlines() if "note:" in line]
    assert [note.partition("'one': ")[2] for note in notes] == [
        "no row says what is due between 99% and 99.9%: a person decides",
        "undecided: each hour; the readings are: a; b",
        "discretionary: a person decides on every credit",
    ]


def test_policies_inside_a_configuration(folder):
    """The other sections are none of its business."""
    file = folder / "sla.yml"
    file.write_text(POLICIES + "mode: nonsense\n")

    assert run("check", "policies", file).exit_code == 0


@pytest.mark.parametrize(
    ("locale", "form", "told"),
    [
        ("en", "text", "99% or more, but less than 99.95%  10%"),
        ("en", "md", "| less than 99% | 30% |"),
        ("en", "html", "<td>less than 99%</td><td>30%</td>"),
        ("pt_BR", "text", "99% ou mais, mas menos de 99,95%  10%"),
        ("pt-BR", "html", '<html lang="pt-BR">'),
    ],
)
def test_terms(folder, locale, form, told):
    """The policy in words, with a computed example."""
    options = ("--config.file", folder / "gold.yml", "--locale", locale, "--format", form)

    result = run("terms", "gold", *options)

    assert result.exit_code == 0
    assert told in result.output
    assert ("10.00" if locale == "en" else "10,00") in result.output


def test_terms_of_a_ready_policy():
    """By name, without any file."""
    assert "Service level agreement: aws-ec2-region" in run("terms", "aws-ec2-region").output


def test_terms_of_a_policy_that_is_not_there(folder):
    """Says where it was looked for."""
    result = run("terms", "silver", "--config.file", folder / "gold.yml")

    assert result.exit_code == 1
    assert "there is no policy 'silver'" in result.output


def test_terms_with_hostile_words(tmp_path):
    """What an operator writes is text, in a page as in Markdown."""
    file = tmp_path / "p.yml"
    file.write_text("policies:\n  one: {credit: {flat: 1%}, interpretation: {'<b>|': '*x*'}}\n")

    page = run("terms", "one", "--config.file", file, "--format", "html").output
    markdown = run("terms", "one", "--config.file", file, "--format", "md").output

    assert "&lt;b&gt;|: *x*." in page
    assert r"\<b\>\|: \*x\*." in markdown


def test_check_config_notes_what_check_policies_calls_wrong(folder):
    """In the files that it names too; it is not a failure."""
    (folder / "odd.yml").write_text(POLICIES.replace("gold", "odd").replace("30%", "5%"))
    text = SMALL.replace(
        "{below: 99.9%, pays: 10%}", "{below: 99.9%, pays: 9%}, {below: 99%, pays: 1%}"
    )
    (folder / "sla.yml").write_text(text + "policy_files: odd.yml\n")

    result = run("check", "config", folder / "sla.yml")

    assert result.exit_code == 0
    for place, name, less, more in (("sla.yml:5", "gold", 1, 9), ("odd.yml:4", "odd", 5, 10)):
        assert (
            f"note: {folder}/{place}: policy '{name}': the row that pays {less}% stands for more "
            f"downtime than one that pays {more}%"
        ) in result.output


def test_check_config_does_not_repeat_what_is_left_to_a_person_on_purpose(tmp_path):
    """Ready policies say so of many things."""
    (tmp_path / "sla.yml").write_text(SMALL + "policy_files: digitalocean.yml\n")

    assert "policy '" not in run("check", "config", tmp_path / "sla.yml").output
