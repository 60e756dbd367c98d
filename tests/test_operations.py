"""docs/operations.md and the unit file say what is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MANUAL = (ROOT / "docs" / "operations.md").read_text()
RULES = (ROOT / "rules" / "prometheus" / "sla-exporter.rules.yml").read_text()
UNIT = (ROOT / "contrib" / "systemd" / "sla-exporter.service").read_text()


@pytest.mark.parametrize("alert", re.findall(r"- alert: (\w+)", RULES))
def test_every_alert_has_a_row(alert):
    """Who is woken up finds what it means and what to do."""
    row = re.search(rf"^\| `{alert}` \| (.+) \| (.+) \|$", MANUAL, re.MULTILINE)

    assert row
    assert all(len(cell) > 20 for cell in row.groups())


def test_no_alert_is_described_that_is_not_there():
    """A row for what cannot fire only misleads."""
    described = set(re.findall(r"^\| `(Sla\w+|ProbeDown)` \|", MANUAL, re.MULTILINE))

    assert described == set(re.findall(r"- alert: (\w+)", RULES))


def test_the_unit_has_no_rights_it_does_not_need():
    """It writes nowhere but into its state."""
    for line in ("ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet="):
        assert line in UNIT.splitlines()


def test_the_unit_names_no_file_that_the_manual_does_not_make():
    """The program and its configuration, and no other."""
    named = set(re.findall(r"(?<![\w.])/(?:etc|opt|usr)/[\w./-]+", UNIT))

    assert named
    assert {path for path in named if path not in MANUAL} == set()


def test_systemd_takes_the_unit(tmp_path):
    """As its own tool sees it, where there is one; its command apart, which is not installed."""
    tool = shutil.which("systemd-analyze")
    keys = {line.split("=")[0] for line in UNIT.splitlines() if "=" in line}
    assert {"ExecStart", "ExecReload", "Restart", "User"} <= keys
    if tool is None:
        return
    file = tmp_path / "sla-exporter.service"
    file.write_text(UNIT.replace("/opt/sla-exporter/bin/sla-exporter", "/bin/true"))
    done = subprocess.run([tool, "verify", str(file)], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "sla-exporter" in line]

    assert ours == []
