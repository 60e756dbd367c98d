"""Tiers: rows of availability. The most common family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.policy.formula import Award, Clause, Flaw, Formula, one, undecided
from sla_exporter.core.policy.ladder import Domain, row_flaws, row_steps
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.policy.rows import Holes, Overlaps, chosen
from sla_exporter.core.reasoning import Share, step

if TYPE_CHECKING:
    from sla_exporter.core.policy.terms import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One row; without a lower bound, all that lies below and is in no lower row."""

    pays: Pay
    below: Share | None = None
    up_to: Share | None = None
    at_least: Share | None = None
    above: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers(Formula):
    """The row that the exact availability lies in pays; compared before any rounding."""

    rows: tuple[Tier, ...]
    holes: Holes | None = None
    overlaps: Overlaps | None = None

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError("rows: there must be at least one")

    def award(self, measured: Measured) -> Award:
        """Find the row."""
        ratio = measured.ratio
        if ratio is None:
            return Award()
        row = chosen(self.rows, ratio, self.holes, self.overlaps)
        if row is Holes.FLAG:
            return undecided(step("tier_hole", ratio=Share(ratio)))
        if row is Overlaps.FLAG:
            return undecided(step("tier_overlap", ratio=Share(ratio)))
        if not isinstance(row, Tier):
            return Award(steps=(step("no_tier"),))
        limit = row.below or row.up_to
        if limit is None:
            return one(row.pays, step("tier_open", pays=row.pays))
        code = "tier" if row.below else "tier_up_to"
        return one(row.pays, step(code, limit=limit, pays=row.pays))

    def clause(self) -> Clause:
        """Say what each availability earns."""
        return Clause(said=(step("clause_tiers"),), rows=row_steps(self.rows))

    def amounts(self) -> Iterator[Pay]:
        """Give what the rows pay."""
        yield from (row.pays for row in self.rows)

    def flaws(self, objective: Objective | None) -> Iterator[Flaw]:
        """Look at all availabilities that miss the objective."""
        top, included = Fraction(1), False
        if objective:
            top, included = objective.share.value, objective.over
        domain = Domain(Fraction(0), top, with_low=True, with_high=included, unit=Share)
        yield from row_flaws(self.rows, domain, self.holes, self.overlaps)
