"""Streak: paid once so many periods in a row have missed the objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sla_exporter.core.policy.formula import Award, one
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.reasoning import step


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """This period is one of them; a period that was met breaks the row."""

    looks_back: ClassVar[bool] = True
    periods: int
    pays: Pay

    def award(self, measured: Measured) -> Award:
        """Count the row."""
        in_a_row = 1
        for breached in measured.case.breached_before:
            if not breached:
                break
            in_a_row += 1
        if in_a_row < self.periods:
            return Award(steps=(step("streak_short", count=in_a_row, needed=self.periods),))
        return one(self.pays, step("streak", count=in_a_row, pays=self.pays))
