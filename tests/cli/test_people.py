"""What people enter by command line: exclusions and incidents."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from sla_exporter.cli import main
from tests.settings.files import SMALL

OCTOBER = ("--since", "2026-10-01", "--until", "2026-11-01")


@pytest.fixture
def run(tmp_path):
    """Run a command on a configuration of its own."""
    file = tmp_path / "sla.yml"
    file.write_text(
        SMALL + "exclusions: [{service: web, window: 2026-10-09T10:00Z + 1h, why: new switches}]\n"
    )

    def invoke(*arguments: str):
        group, command, *rest = arguments
        return CliRunner().invoke(main, [group, command, f"--config.file={file}", *rest])

    return invoke


def listed(run, group: str) -> list[dict]:
    return json.loads(run(group, "list", *OCTOBER, "--output", "json").output)


def test_an_exclusion_is_entered_listed_and_withdrawn(run):
    """With who and why; it stays in the list."""
    entered = run(
        "exclusions", "add", "--contract", "acme", "--window", "2026-10-07T10:00Z + 95m",
        "--kind", "caused by the customer", "--announced", "2026-10-01T08:00+02:00",
        "--who", "ana", "--why", "their own firewall",
    )  # fmt: skip
    assert entered.output == "operator/1 was entered.\n"

    withdrawn = run("exclusions", "withdraw", "operator/1", "--who", "bob", "--why", "it was ours")
    assert withdrawn.output == "operator/1 was withdrawn.\n"

    entry, configured = listed(run, "exclusions")
    at, recorded = entry["withdrawn"].pop("at"), entry.pop("recorded")
    assert at >= recorded
    assert entry == {
        "exclusion": "operator/1",
        "start": "2026-10-07T10:00:00Z",
        "end": "2026-10-07T11:35:00Z",
        "kind": "caused by the customer",
        "service": None,
        "contract": "acme",
        "matchers": [],
        "announced": "2026-10-01T06:00:00Z",
        "who": "ana",
        "why": "their own firewall",
        "withdrawn": {"who": "bob", "why": "it was ours"},
    }
    assert configured["exclusion"] == "configuration/1"
    assert configured["why"] == "new switches"


def test_exclusions_are_listed_for_people_too(run):
    """In a table."""
    run(
        "exclusions", "add", "--service", "web", "--matcher", "customer=acme", "--window",
        "2026-10-07T10:00Z to 2026-10-07T11:35Z", "--announced", "2026-10-01", "--why", "disks",
    )  # fmt: skip

    output = run("exclusions", "list", *OCTOBER).output

    row = next(line for line in output.splitlines() if line.startswith("operator/1"))
    assert row.split()[1:4] == ["2026-10-07T10:00:00Z", "2026-10-07T11:35:00Z", "maintenance"]
    assert 'web, customer="acme"' in row


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--window", "2026-10-07T10:00Z + 1h"), 1, "name a service, a contract or matchers"),
        (("--window", "tomorrow", "--service", "web"), 2, "is not a stretch of time"),
        (("--window", "2026-10-07T10:00Z + 1h", "--contract", "x"), 1, "there is no contract"),
        (("--window", "2026-10-07T10:00Z + 1h", "--matcher", "x"), 2, "a matcher is written"),
        (
            ("--window", "2026-10-07T10:00Z + 1h", "--service", "web", "--announced", "soon"),
            2,
            "is not a moment",
        ),
        (
            ("--window", "2026-10-07T10:00Z + 1h", "--service", "web", "--announced", "2999-01-01"),
            1,
            "cannot have been announced in the future",
        ),
    ],
)
def test_an_exclusion_that_makes_no_sense_is_refused(run, arguments, status, said):
    """In a sentence, and nothing is entered."""
    result = run("exclusions", "add", *arguments, "--who", "ana", "--why", "because")

    assert result.exit_code == status
    assert said in result.output
    assert [one["exclusion"] for one in listed(run, "exclusions")] == ["configuration/1"]


def test_an_incident_is_entered_dismissed_and_taken_back(run):
    """However long ago; everything is noted."""
    entered = run(
        "incidents", "add", "--contract", "acme-web", "--window", "2026-10-03T10:00Z + 95m",
        "--who", "ana", "--why", "reported by telephone",
    )  # fmt: skip
    name = entered.output.split()[0]
    assert entered.output == (
        f"{name} was entered. It is shown, but no downtime: "
        "service web takes its evidence from metrics.\n"
    )

    dismissed = run("incidents", "dismiss", name, "--who", "bob", "--why", "another customer")
    assert dismissed.output == f"{name} was dismissed.\n"
    assert [one["dismissed"] for one in listed(run, "incidents")] == [True]

    run("incidents", "dismiss", name, "--undo", "--who", "ana", "--why", "it was theirs")
    (found,) = listed(run, "incidents")
    assert not found["dismissed"]
    assert (found["start"], found["end"]) == ("2026-10-03T10:00:00Z", "2026-10-03T11:35:00Z")
    assert [(n["what"], n["who"], n["why"]) for n in found["notes"]] == [
        ("added", "ana", "reported by telephone"),
        ("dismissed", "bob", "another customer"),
        ("restored", "ana", "it was theirs"),
    ]
    table = run("incidents", "list", *OCTOBER).output
    assert "added by ana: reported by telephone; dismissed by bob: another customer" in table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "--contract", "x", "--window", "2026-10-03 + 1h"), "there is no contract 'x'"),
        (
            ("add", "--contract", "acme-web", "--window", "2999-10-03 + 1h"),
            "must end after it begins, and not in the future",
        ),
        (("dismiss", "f00@2026-10-03T10:00Z"), "there is no such incident"),
    ],
)
def test_an_incident_that_makes_no_sense_is_refused(run, arguments, said):
    """In a sentence."""
    command, *rest = arguments

    result = run("incidents", command, *rest, "--who", "ana", "--why", "because")

    assert result.exit_code == 1
    assert said in result.output


def test_what_is_entered_twice_is_told(run):
    """The same incident, and the same dismissal."""
    add = (
        "incidents", "add", "--contract", "acme-web", "--window", "2026-10-03 + 1h",
        "--who", "ana", "--why", "because",
    )  # fmt: skip
    name = run(*add).output.split()[0]
    dismiss = ("incidents", "dismiss", name, "--who", "ana", "--why", "because")
    run(*dismiss)

    assert f"there is an incident {name} already" in run(*add).output
    assert f"{name} is dismissed already" in run(*dismiss).output
    assert run(*dismiss, "--undo").exit_code == 0
    assert f"{name} is not dismissed" in run(*dismiss, "--undo").output
