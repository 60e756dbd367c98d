"""Per step: so much for every tenth of a percent, or other step, below a limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from sla_exporter.core.policy.block import Rounds
from sla_exporter.core.policy.formula import Award, one
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.reasoning import Share, step


@dataclass(frozen=True, slots=True, kw_only=True)
class PerStep:
    """Steps are counted from the objective down, or from ``below`` if it is given."""

    step: Share
    pays: Pay
    counted: Rounds = Rounds.FULL
    below: Share | None = None

    def award(self, measured: Measured) -> Award:
        """Count the steps."""
        limit = self.below or measured.policy.promised
        if measured.ratio is None or limit is None or measured.ratio >= limit.value:
            return Award()
        missing = limit.value - measured.ratio
        count = _count(self.counted, missing / self.step.value)
        pays = self.pays.times(count)
        told = step("steps_below", count=count, step=self.step, limit=limit, pays=pays)
        return one(pays, told)


def _count(rounds: Rounds, steps: Fraction) -> int:
    match rounds:
        case Rounds.STARTED:
            return math.ceil(steps)
        case Rounds.NEAREST:
            return math.floor(steps + Fraction(1, 2))
        case _:
            return math.floor(steps)
