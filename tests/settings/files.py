"""Configuration files for the tests: a small one, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings import load_config

if TYPE_CHECKING:
    from pathlib import Path

SMALL = """\
prometheus: {url: http://localhost:9090}
services:
  web: {sli: {probe: up}, contract_label: customer}
policies:
  gold: {objective: 99.9%, credit: {tiers: [{below: 99.9%, pays: 10%}]}}
customers:
  - id: acme
    name: Acme
    currency: EUR
    contracts: [{service: web, policy: gold, fee: 10.00, since: 2026-01-01}]
"""


def load(folder: Path, text: str):
    file = folder / "sla.yml"
    file.write_text(text)
    return load_config(file)


def problems(folder: Path, text: str) -> list[str]:
    """Give the problems without the folder in front."""
    with pytest.raises(ConfigInvalid) as caught:
        load(folder, text)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]
