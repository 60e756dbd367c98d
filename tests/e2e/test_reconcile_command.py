"""``sla-exporter reconcile`` as a person runs it, on a real Prometheus."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sla_exporter.cli import main
from sla_exporter.core.periods import Period, utc_text
from sla_exporter.core.windows import Window, clip, total_ms
from sla_exporter.demo.cast import CAST, DAY_MS, Part
from sla_exporter.demo.servers import write_json

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(config, tmp_path: Path) -> Path:
    return write_json(tmp_path / "sla-exporter.yml", config)


def run(*arguments: str, expect: int = 0):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == expect, result.output + result.stderr
    return result


def by_hand(part: Part, month: Period) -> tuple[Fraction, int]:
    """Compute availability and credit in minor units from the script, with a table of our own."""
    span = Period.month(month.label, part.zone).span
    if part.since_day:
        span = Window(month.span.start_ms + (part.since_day - 1) * DAY_MS, span.end_ms)
    down = total_ms(clip(part.windows(month, "down"), span))
    # A gap swallows the interval after the last sample before it: the sample stands for itself.
    missing = total_ms(clip(part.windows(month, "missing"), span))
    counted = span.length_ms - missing
    availability = 1 - Fraction(down, counted)
    fee = Fraction(part.fee) * (1 if part.currency == "JPY" else 100)
    tables = {
        "gold": [("95", "100"), ("99", "30"), ("99.95", "10")],
        "silver": [("98", "10"), ("99.5", "5")],  # 15 % is capped at 10
        "starter": [("99.9", "10")],
    }
    pays = next(
        (
            Fraction(share) / 100
            for below, share in tables[part.policy]
            if availability < Fraction(below) / 100
        ),
        Fraction(0),
    )
    minor = int(fee * pays + Fraction(1, 2))
    return availability, 0 if part.policy == "starter" and minor <= 100 else minor


def test_a_dry_run_computes_what_is_computed_by_hand(stage, file, tmp_path):
    """Availability as an exact fraction, credits to the cent, outages to the second."""
    result = run(
        "reconcile", "--config.file", str(file), "--period", stage.month.label,
        "--dry-run", "--output", "json",
    )  # fmt: skip
    found = {item["customer"]: item for item in json.loads(result.stdout)}

    assert found.keys() == {part.id for part in CAST}
    for part in CAST:
        availability, minor = by_hand(part, stage.month)
        item = found[part.id]
        assert Fraction(item["availability_exact"]) == availability, part.id
        assert int(item["credit"].replace(".", "")) == minor, part.id
        span = Window(*(int(Period_ms(item[edge])) for edge in ("start", "end")))
        expected = clip(part.windows(stage.month, "down"), span)
        assert item["outages"] == [[utc_text(a), utc_text(b)] for a, b in expected]
    assert not (tmp_path / "sla-exporter.db").exists()
    assert not (tmp_path / "outbox").exists()


def Period_ms(text: str) -> int:  # noqa: N802 - reads as what it is
    from datetime import datetime  # noqa: PLC0415

    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_a_person_can_read_a_dry_run(stage, file):
    """A table, why for whoever was not simply fine, a summary, and that nothing was written."""
    output = run(
        "reconcile", "--config.file", str(file), "--period", stage.month.label, "--dry-run"
    ).output

    lines = output.splitlines()
    assert lines[0].split() == [
        "CONTRACT", "PERIOD", "AVAILABILITY", "PROMISED", "DOWNTIME", "NOT", "MEASURED",
        "VERDICT", "CREDIT",
    ]  # fmt: skip
    assert f"birch-web    {stage.month.label}  100%" in output
    assert f"acme-web/{stage.month.label}\n  Period: " in output
    assert f"birch-web/{stage.month.label}" not in output
    assert "10% of BRL 499.90 (service fee) is BRL 49.99." in output
    assert "12 contracts: 9 breached, 3 met" in output
    assert lines[-1] == "Dry run: nothing was written."


def test_settling_twice_writes_once(stage, file, tmp_path):
    """The second time there is nothing to do, and it says so."""
    first = run("reconcile", "--config.file", str(file), "--period", stage.month.label).output
    second = run("reconcile", "--config.file", str(file), "--period", stage.month.label).output
    third = run("reconcile", "--config.file", str(file)).output

    assert "12 settlements were written." in first
    assert "Nothing is due: every closed period is settled already." in second
    assert "Nothing is due" in third
    assert (tmp_path / "sla-exporter.db").exists()


def test_the_open_month_can_be_looked_at_and_not_settled(stage, file, config):
    """A dry run says how it stands; settling it has to wait."""
    config["settle_after"] = "48h"
    write_json(file, config)
    now = stage.month.following.label

    looked = run("reconcile", "--config.file", str(file), "--period", now, "--dry-run").output
    refused = run("reconcile", "--config.file", str(file), "--period", now, expect=1)

    assert f"{now} is still open; this is how it stands as of now." in looked
    assert f"{now} can be settled from " in refused.stderr


def backfilled(stage):
    """Give the history as it is when an hour of Birch's downtime was found out later."""
    start_ms = stage.month.span.start_ms + 9 * DAY_MS
    for name, samples in stage.history():
        if 'customer="birch"' not in name:
            yield name, samples
        else:
            late = range(start_ms, start_ms + 3_600_000)
            yield name, ((at, 0 if at in late else value) for at, value in samples)


def test_a_settled_month_can_be_measured_again(stage, file, config, prometheus_with):
    """What was backfilled since becomes a new credit, and nothing else changes."""
    run("reconcile", "--config.file", str(file), "--period", stage.month.label)
    again = ["reconcile", "--config.file", str(file), "--period", stage.month.label, "--again"]
    again += ["--by", "Ana", "--reason", "late samples"]
    same = run(*again).output
    config["prometheus"]["url"] = prometheus_with(backfilled(stage))
    write_json(file, config)

    found = json.loads(run(*again, "--output", "json").stdout)

    assert "12 settled periods looked at; 0 are different." in same
    (changed,) = [one for one in found if one["outcome"] != "unchanged"]
    assert changed["settlement"] == f"birch-web/{stage.month.label}"
    assert (changed["before"], changed["after"]) == ("-", "EUR 12.00")


def test_measuring_again_needs_a_month(file):
    """All that was ever settled is not what anybody means."""
    result = run("reconcile", "--config.file", str(file), "--again", expect=2)

    assert "--again needs --period" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "expect", "said"),
    [
        (["--period", "2026-13"], 2, "YYYY-MM"),
        (["--period", "2199-01", "--dry-run"], 1, "2199-01 has not begun"),
        (["--output", "xml"], 2, "Invalid value for '--output'"),
    ],
)
def test_mistakes_on_the_command_line(file, arguments, expect, said):
    """A sentence, and the exit status that says whose mistake it was."""
    result = run("reconcile", "--config.file", str(file), *arguments, expect=expect)

    assert said in result.stderr
