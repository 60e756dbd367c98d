"""The registry of credit formulas: the key under ``credit:`` and the dataclass that reads it.

A new family is one module with a frozen dataclass that has an ``award`` method, and one line here.
Its fields are its YAML; the settings read them by their types.
"""

from __future__ import annotations

from sla_exporter.core.policy.tiers import Tiers

FAMILIES: dict[str, type] = {
    "tiers": Tiers,
}
