"""Claims by command line: entered, listed, shown."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from sla_exporter.app import SystemClock
from sla_exporter.cli import main
from sla_exporter.core.periods import utc_text
from tests.settings.files import SMALL

NOW = SystemClock().now_ms()
MONTH = utc_text(NOW)[:7]
DAY = f"{MONTH}-01"


@pytest.fixture
def run(tmp_path):
    """Run a command on a configuration of its own."""
    file = tmp_path / "sla.yml"
    file.write_text(SMALL)

    def invoke(command: str, *arguments: str):
        line = ["claims", command, f"--config.file={file}", *arguments]
        return CliRunner().invoke(main, line)

    return invoke


def test_a_claim_is_kept_until_its_period_is_settled(run):
    """With who entered it, and what the customer said."""
    key = f"acme-web/{MONTH}"
    added = run(
        "add", key, "--window", f"{DAY}T00:00Z + 1m", "--ticket", "T-7",
        "--ticket-at", f"{DAY}T00:00Z", "--received", f"{DAY}T00:01Z", "--who", "ana",
    )  # fmt: skip
    twice = run(
        "add", key, "--window", f"{DAY}T00:00Z + 1m", "--ticket", "T-7",
        "--ticket-at", f"{DAY}T00:00Z", "--received", f"{DAY}T00:01Z", "--output", "json",
    )  # fmt: skip

    assert (added.exit_code, added.output) == (0, f"{key}: early\n")
    said = json.loads(twice.output)
    assert (twice.exit_code, said["result"]) == (0, "duplicate")
    assert said["reasons"] == ["The same was claimed before."]
    first, _ = json.loads(run("list", "--output", "json").output)
    assert first | {"recorded": None} == {
        "number": 1,
        "settlement": key,
        "contract": "acme-web",
        "result": "early",
        "reasons": [],
        "channel": "cli",
        "by": "ana",
        "received": f"{DAY}T00:01:00Z",
        "start": f"{DAY}T00:00:00Z",
        "end": f"{DAY}T00:01:00Z",
        "ticket": "T-7",
        "ticket_at": f"{DAY}T00:00:00Z",
        "state": None,
        "recorded": None,
    }
    assert "not settled" in run("list", "--result", "early").output


def test_a_claim_is_shown_with_its_reasons(run):
    """By the number that the list gives it."""
    key = f"acme-web/{MONTH}"
    for _ in range(2):
        run("add", key, "--received", f"{DAY}T00:00Z", "--who", "ana")

    shown = run("show", "2").output

    assert "result: duplicate" in shown
    assert shown.endswith("  The same was claimed before.\n")
    assert json.loads(run("show", "1", "--output", "json").output)["by"] == "ana"
    assert run("show", "3").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nobody-web/2026-10"], 1, "there is no contract nobody-web in the configuration"),
        (["acme-web/2019-01"], 1, "there is no settlement acme-web/2019-01"),
        ([f"acme-web/{MONTH}", "--received", "2999-01-01"], 1, "in the future"),
        ([f"acme-web/{MONTH}", "--ticket", "a\tb"], 2, "cannot be printed"),
    ],
)
def test_what_cannot_be_claimed_is_said_in_a_sentence(run, arguments, status, said):
    """And nothing is kept of it."""
    refused = run("add", *arguments)

    assert (refused.exit_code, said in refused.output) == (status, True)
    assert run("list").output == "Nothing was claimed.\n"
    assert run("waiting").output == "Nothing waits for a claim.\n"
