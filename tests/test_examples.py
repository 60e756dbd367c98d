"""The examples of the manual (the README and docs/) work as they stand there."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sla_exporter.cli import main
from sla_exporter.settings import load_config
from sla_exporter.settings.document import read_text
from sla_exporter.settings.models import ConfigFile, CustomersFile, PoliciesFile
from sla_exporter.settings.sentences import models_in, validated
from sla_exporter.settings.trials import TrialFile
from tests.test_documentation import MANUAL, QUOTED, README

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

POLICIES = (Path(__file__).parents[1] / "docs" / "policies.md").read_text()
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
OF_OTHERS = ("receivers:", "scrape_configs:", "tls_server_config:")  # Alertmanager, Prometheus


def examples() -> list[str]:
    """Give the examples that are ours; what is indented stands in a service or a policy."""
    found = [text for text in BLOCK.findall(MANUAL) if not text.startswith(OF_OTHERS)]
    return [_whole(text) for text in found]


def _whole(text: str) -> str:
    if not text.startswith(" "):
        return text
    above = (
        "policies:\n  gold:\n" if text.lstrip().startswith("undecided") else "services:\n  web:\n"
    )
    return above + text


@pytest.mark.parametrize("text", examples(), ids=lambda text: text.split("\n")[0])
def test_an_example_has_only_keys_and_values_that_there_are(text):
    """It may leave out what others show."""
    model = TrialFile if text.startswith("policy_file:") else ConfigFile

    _, problems = validated(read_text(text, "example"), model)

    wrong = [str(problem) for problem in problems if not str(problem).endswith("is missing")]
    assert wrong == []


def test_the_wiring_in_the_readme_is_a_valid_configuration(tmp_path):
    """And shorter than fifteen lines."""
    yaml = README.split("write `sla-exporter.yml`:\n\n```yaml\n")[1].split("```")[0]
    (tmp_path / "sla-exporter.yml").write_text(yaml)
    (tmp_path / "webhook.token").write_text("secret")

    config = load_config(tmp_path / "sla-exporter.yml")

    assert len(yaml.splitlines()) < 15
    assert [contract.id for contract in config.catalogue.contracts] == ["acme-web"]


def test_the_test_of_a_policy_passes(tmp_path):
    """On the policy at the top of its page."""
    policy, tests = (
        next(text for text in BLOCK.findall(POLICIES) if text.startswith(start))
        for start in ("policies:", "policy_file:")
    )
    (tmp_path / "policies.yml").write_text(policy)
    (tmp_path / "policies_test.yml").write_text(tests)

    result = CliRunner().invoke(main, ["test", "policies", str(tmp_path / "policies_test.yml")])

    assert result.exit_code == 0, result.output


def test_the_test_of_a_policy_in_the_help_passes(tmp_path):
    """On the same policy."""
    shown = CliRunner().invoke(main, ["test", "policies", "--help"]).output
    tests = re.search(r"^  (policy_file: gold.yml\n(?:  .*\n)+)", shown, re.MULTILINE)
    policy = next(text for text in BLOCK.findall(POLICIES) if text.startswith("policies:"))
    (tmp_path / "gold.yml").write_text(policy)
    (tmp_path / "gold_test.yml").write_text(tests[1].replace("\n  ", "\n"))

    result = CliRunner().invoke(main, ["test", "policies", str(tmp_path / "gold_test.yml")])

    assert result.exit_code == 0, result.output


def sections() -> dict[str, set[str]]:
    """Give the keys of each section, by the section's own key, wherever it stands."""
    found: dict[str, set[str]] = {}
    seen: set[type[BaseModel]] = set()
    waiting: list[type[BaseModel]] = [ConfigFile, CustomersFile, PoliciesFile, TrialFile]
    while waiting:
        model = waiting.pop()
        if model in seen:
            continue
        seen.add(model)
        for name, field in model.model_fields.items():
            inner = list(models_in(field.annotation))
            waiting.extend(inner)
            keys = {part.alias or key for one in inner for key, part in one.model_fields.items()}
            found.setdefault(name, set()).update(keys)
    return found


def paths() -> Iterator[tuple[str, str]]:
    """Give the steps of keys that the text names with dots."""
    for quoted in sorted(QUOTED):
        if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", quoted):
            yield from pairwise(quoted.split("."))


@pytest.mark.parametrize(("section", "key"), sorted(set(paths())))
def test_a_key_that_the_text_names_is_there(section, key):
    """As in ``maintenance.windows``."""
    keys = sections().get(section)

    assert not keys or key in keys
