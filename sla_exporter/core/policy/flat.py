"""Flat: the same amount, however long it was."""

from __future__ import annotations

from dataclasses import dataclass

from sla_exporter.core.policy.formula import Award, Clause, Formula, one
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.reasoning import step


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat(Formula):
    """A missed objective pays this."""

    pays: Pay

    def award(self, measured: Measured) -> Award:  # noqa: ARG002 - however it was
        """Pay."""
        return one(self.pays, step("flat", pays=self.pays))

    def clause(self) -> Clause:
        """Say what is paid."""
        return Clause(said=(step("clause_flat", pays=self.pays),))
