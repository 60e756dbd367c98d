"""Flat: the same amount, however long it was."""

from __future__ import annotations

from dataclasses import dataclass

from sla_exporter.core.policy.formula import Award, Clause, Formula, one
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.reasoning import step


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat(Formula):
    """A missed objective pays this; without an objective, an outage does."""

    pays: Pay

    def award(self, measured: Measured) -> Award:
        """Pay."""
        if measured.nothing_missed:
            return Award()
        return one(self.pays, step("flat", pays=self.pays))

    def clause(self) -> Clause:
        """Say what is paid."""
        return Clause(said=(step("clause_flat", pays=self.pays),))
