"""Tiers: the lower the availability, the larger the share of the fee. The most common family."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.policy.terms import Award
from sla_exporter.core.reasoning import Share, step

if TYPE_CHECKING:
    from sla_exporter.core.availability import Availability


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One row: an availability below ``below`` pays this share."""

    below: Share
    pays: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Rows in any order; of those that apply, the one with the lowest limit pays."""

    tiers: tuple[Tier, ...]

    def award(self, availability: Availability) -> Award:
        """Compare the exact availability, before any rounding."""
        ratio = availability.ratio
        reached = [tier for tier in self.tiers if ratio is not None and ratio < tier.below.value]
        if not reached:
            return Award(Share(Fraction(0)), (step("no_tier"),))
        lowest = min(reached, key=lambda tier: tier.below.value)
        return Award(lowest.pays, (step("tier", below=lowest.below, pays=lowest.pays),))
