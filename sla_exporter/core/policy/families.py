"""The registry of credit formulas: the key under ``credit:`` and the dataclass that it becomes.

A new family is one module with a frozen dataclass that has an ``award`` method, and one line here.
Its fields are its YAML; the settings read them by their types.
"""

from __future__ import annotations

from sla_exporter.core.policy.block import Block
from sla_exporter.core.policy.clock_hours import ClockHours
from sla_exporter.core.policy.count import Count
from sla_exporter.core.policy.days import Days
from sla_exporter.core.policy.flat import Flat
from sla_exporter.core.policy.per_step import PerStep
from sla_exporter.core.policy.prorata import Prorata
from sla_exporter.core.policy.streak import Streak
from sla_exporter.core.policy.table import Table
from sla_exporter.core.policy.tiers import Tiers

FAMILIES: dict[str, type] = {
    "tiers": Tiers,
    "table": Table,
    "block": Block,
    "prorata": Prorata,
    "flat": Flat,
    "per_step": PerStep,
    "days": Days,
    "streak": Streak,
    "count": Count,
    "clock_hours": ClockHours,
}
