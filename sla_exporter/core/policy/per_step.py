"""Per step: so much for every tenth of a percent, or other step, below a limit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.policy.block import Rounds
from sla_exporter.core.policy.formula import Award, Clause, Flaw, Formula, one
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.reasoning import Share, step

if TYPE_CHECKING:
    from sla_exporter.core.policy.terms import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class PerStep(Formula):
    """Steps are counted from the objective down, or from ``below`` if it is given."""

    step: Share
    pays: Pay
    counted: Rounds = Rounds.FULL
    below: Share | None = None

    def __post_init__(self) -> None:
        if self.step.value <= 0:
            raise ValueError("step: must be more than nothing")

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

    def clause(self) -> Clause:
        """Say what a step is and what it pays."""
        code = f"clause_per_step_{self.counted.value}"
        return Clause(said=(step(code, step=self.step, pays=self.pays),))

    def flaws(self, objective: Objective | None) -> Iterator[Flaw]:
        """Say whether there is anything to count down from."""
        if self.below is None and objective is None:
            yield Flaw(said=step("steps_from_nowhere"))


def _count(rounds: Rounds, steps: Fraction) -> int:
    match rounds:
        case Rounds.STARTED:
            return math.ceil(steps)
        case Rounds.NEAREST:
            return math.floor(steps + Fraction(1, 2))
        case _:
            return math.floor(steps)
