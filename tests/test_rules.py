"""The rule files that a team loads as they are, checked by Prometheus' own tool."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from sla_exporter.demo.binaries import find
from tests.test_documentation import metric_names

FOLDER = Path(__file__).parents[1] / "rules" / "prometheus"


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [str(find("promtool")), *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_are_valid():
    """As ``promtool check rules`` sees them."""
    assert "SUCCESS" in promtool("check", "rules", "sla-exporter.rules.yml")


def test_the_rules_do_what_their_tests_say():
    """As ``promtool test rules`` runs them."""
    assert "SUCCESS" in promtool("test", "rules", "sla-exporter.tests.yml")


def test_every_alert_has_a_test_that_sees_it_fire():
    """An alert that cannot fire is worse than none."""
    rules = (FOLDER / "sla-exporter.rules.yml").read_text()
    tests = (FOLDER / "sla-exporter.tests.yml").read_text()
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    fired = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", tests))

    assert len(alerts) >= 9
    assert fired == alerts


def test_rules_ask_for_metrics_that_exist():
    """A renamed metric would silence its alert for ever."""
    rules = (FOLDER / "sla-exporter.rules.yml").read_text()
    expressions = " ".join(re.findall(r"expr: (.+?)\n +(?:for|labels|- )", rules, re.DOTALL))
    asked = set(re.findall(r"\bsla_\w+", expressions))

    assert asked
    assert asked <= metric_names()
