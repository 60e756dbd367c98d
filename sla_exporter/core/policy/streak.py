"""Streak: paid once so many periods in a row have missed the objective."""

from __future__ import annotations

from dataclasses import dataclass

from sla_exporter.core.policy.formula import Award, Clause, Formula, one
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.reasoning import step


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak(Formula):
    """This period is one of them; a period that was met breaks the row."""

    periods: int
    pays: Pay

    def __post_init__(self) -> None:
        if self.periods < 1:
            raise ValueError("periods: must be at least 1")

    def award(self, measured: Measured) -> Award:
        """Count the row."""
        if measured.nothing_missed:
            return Award()
        in_a_row = 1
        for breached in measured.case.breached_before:
            if not breached:
                break
            in_a_row += 1
        if in_a_row < self.periods:
            return Award(steps=(step("streak_short", count=in_a_row, needed=self.periods),))
        return one(self.pays, step("streak", count=in_a_row, pays=self.pays))

    def clause(self) -> Clause:
        """Say after how many periods what is paid."""
        return Clause(said=(step("clause_streak", periods=self.periods, pays=self.pays),))
