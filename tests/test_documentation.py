"""The manual (the README and docs/) knows every key, metric, option, command and route there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from sla_exporter.cli import main
from sla_exporter.core.settlement import Hold
from sla_exporter.metrics import ProcessMetrics
from sla_exporter.metrics.figures import FigureCollector, StandingCollector
from sla_exporter.ports.figures import Figures
from sla_exporter.settings.customers import CONTRACT_COLUMNS, CUSTOMER_COLUMNS
from sla_exporter.settings.models import ConfigFile, CustomersFile, PoliciesFile
from sla_exporter.settings.sentences import models_in
from sla_exporter.settings.trials import TrialFile
from sla_exporter.sinks.registry import sink_kinds
from sla_exporter.web.server import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MANUAL = README + "".join(p.read_text() for p in sorted((ROOT / "docs").glob("*.md")))
QUOTED = set(re.findall(r"`([^`\n]+)`", MANUAL))
WORDS = {word for quoted in QUOTED for word in re.split(r"[^\w-]+", quoted)}


def keys(*models: type[BaseModel]) -> Iterator[str]:
    """Give every key that a configuration file may have."""
    seen: set[type[BaseModel]] = set()
    waiting = list(models)
    while waiting:
        model = waiting.pop()
        if model in seen:
            continue
        seen.add(model)
        for name, field in model.model_fields.items():
            yield field.alias or name
            waiting.extend(models_in(field.annotation))


@pytest.mark.parametrize(
    "key", sorted(set(keys(ConfigFile, CustomersFile, PoliciesFile, TrialFile)))
)
def test_every_key_is_described(key):
    """A setting that nobody can find is not there."""
    assert key in WORDS


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (name, key)
        for name, kind in sorted(sink_kinds().items())
        for key in kind.section.model_fields
    ],
)
def test_every_key_of_a_billing_sink_is_described(kind, key):
    """In the page on billing."""
    assert kind in WORDS
    assert key in WORDS


@pytest.mark.parametrize("column", [*CUSTOMER_COLUMNS, *CONTRACT_COLUMNS])
def test_every_csv_column_is_described(column):
    """So that an export can be made."""
    assert column in WORDS


def metric_names() -> set[str]:
    empty = Figures(
        issued={}, held={}, breaches={}, unpaid_breaches={}, pending={}, parked={},
        observed_until_ms={}, open_incidents=0, standings=(),
    )  # fmt: skip
    families = [
        *ProcessMetrics().registry.collect(),
        *FigureCollector(empty).collect(),
        *StandingCollector((), per_contract=True).collect(),
    ]
    return {family.name + ("_total" if family.type == "counter" else "") for family in families}


@pytest.mark.parametrize("name", sorted(metric_names()))
def test_every_metric_is_described(name):
    """With its name as Prometheus knows it."""
    assert name in WORDS


def test_no_metric_is_described_that_is_not_there():
    """A dashboard built on the README works."""
    described = {word for word in WORDS if word.startswith("sla_") and word != "sla_exporter"}

    assert described == metric_names()


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


@pytest.mark.parametrize(("name", "command"), list(commands(main)))
def test_every_command_and_option_is_described(name, command):
    """And every command has a help text of its own."""
    assert any(quoted.startswith(name) for quoted in QUOTED)
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help
            assert any(option in MANUAL for option in parameter.opts)


def test_the_commands_without_a_configuration_are_named():
    """All others take one."""
    said = re.search(r"All but (.+?) take `--config.file`", README, re.DOTALL)
    without = {
        name.split()[0]
        for name, command in commands(main)
        if not any("--config.file" in parameter.opts for parameter in command.params)
    }

    assert said
    assert set(re.findall(r"`(\w+)`", said[1])) == without


def test_the_languages_that_ship_are_named_where_one_is_chosen():
    """A translation that nobody knows of is not used."""
    (option,) = (param for param in main.commands["terms"].params if param.name == "locale")

    assert isinstance(option, click.Option)
    for language in ("en", *(path.name for path in (ROOT / "templates" / "locale").iterdir())):
        assert re.search(rf"\b{language}\b", option.help or "")


@pytest.mark.parametrize("hold", list(Hold))
def test_every_reason_to_hold_a_credit_is_described(hold):
    """Where brakes are."""
    assert f"\n| `{hold}` |" in (ROOT / "docs" / "ledger.md").read_text()


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_is_described(method, path):
    """Method and path."""
    assert f"`{method} {path}`" in MANUAL
