"""Tiers: rows of availability. The most common family."""

from __future__ import annotations

from dataclasses import dataclass

from sla_exporter.core.policy.formula import Award, one, undecided
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.policy.rows import Holes, Overlaps, chosen
from sla_exporter.core.reasoning import Share, step


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One row; without a lower bound, all that lies below and is in no lower row."""

    pays: Pay
    below: Share | None = None
    up_to: Share | None = None
    at_least: Share | None = None
    above: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """The row that the exact availability lies in pays; compared before any rounding."""

    rows: tuple[Tier, ...]
    holes: Holes = Holes.FLAG
    overlaps: Overlaps = Overlaps.FLAG

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
