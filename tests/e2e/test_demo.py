"""The demo, as ``make demo`` runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction

import pytest

from sla_exporter.demo.cast import CAST, POLICIES


@pytest.mark.slow
def test_the_story_is_told_from_beginning_to_end(tmp_path):
    """Twelve customers, a real incident, credits that follow from outages, nothing left over."""
    done = subprocess.run(
        [sys.executable, "-m", "sla_exporter", "demo"],
        env={"PATH": "/usr/bin:/bin", "DEMO_ONCE": "1", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    story = json.loads(done.stdout.splitlines()[-1])

    assert [customer["customer"] for customer in story["customers"]] == [p.id for p in CAST]
    for customer in story["customers"]:
        assert customer["credit"] == recomputed(customer), customer["customer"]
        assert customer["notice"].endswith(".eml")
    assert {c["customer"] for c in story["customers"] if not c["outages"]} == {"birch", "grove"}
    assert [c["customer"] for c in story["customers"] if c["unknown_s"]] == ["dune"]
    assert story["incident"]["alert"] == "SiteDown"
    assert story["incident"]["labels"]["customer"] == "harbor"
    assert 2 <= story["incident"]["duration_s"] <= 30
    assert list(tmp_path.iterdir()) == []
    assert "\nLive: harbor was down from " in done.stdout
    told = done.stdout.rpartition("\n{")[0]
    assert "http://127.0.0.1" not in told  # it is gone by now, as the folder is
    assert str(tmp_path) not in told
    assert "sla-exporter demo --once --folder FOLDER" in done.stdout
    assert "Traceback" not in done.stderr


def recomputed(customer: dict) -> str:
    """Compute the credit from nothing but what the demo printed and the table of its policy."""
    policy = POLICIES[customer["policy"]]
    seconds = Fraction(0)
    for start, end in customer["outages"]:
        seconds += _seconds(end) - _seconds(start)
    assert seconds == Fraction(str(customer["downtime_s"]))
    counted = _seconds(customer["end"]) - _seconds(customer["start"])
    counted -= Fraction(str(customer["unknown_s"]))
    availability = 1 - seconds / counted
    pays = Fraction(0)
    for row in sorted(policy["credit"]["tiers"], key=lambda row: -_percent(row["below"])):
        if availability < _percent(row["below"]):
            pays = _percent(row["pays"])
    pays = min(pays, _percent(policy.get("cap", "100%")))
    digits = 0 if customer["currency"] == "JPY" else 2
    minor = Fraction(customer["fee"]) * 10**digits * pays
    rounded = int(minor + Fraction(1, 2))
    if "minimum" in policy and rounded <= 100:
        rounded = 0
    return f"{rounded / 10**digits:.{digits}f}"


def _seconds(text: str) -> Fraction:
    from datetime import datetime  # noqa: PLC0415

    return Fraction(datetime.fromisoformat(text).timestamp())


def _percent(text: str) -> Fraction:
    return Fraction(text.rstrip("%")) / 100
