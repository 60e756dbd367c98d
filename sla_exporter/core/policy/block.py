"""Block: so much for every hour, half hour or other stretch of downtime."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.policy.exclusions import is_late
from sla_exporter.core.policy.formula import Award, Clause, Formula
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.policy.table import Per
from sla_exporter.core.reasoning import Duration, Step, step
from sla_exporter.core.windows import clip, tidy


class Rounds(StrEnum):
    """How a part of a block counts."""

    STARTED = "started"  # as a whole one
    FULL = "full"  # not at all
    NEAREST = "nearest"  # as a whole one from half of it on


class On(StrEnum):
    """What is paid for: outages, or scheduled work, which some contracts pay for too."""

    OUTAGES = "outages"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a block counts as a whole one if it is longer than this, or at least that long."""

    longer_than: Duration | None = None
    at_least: Duration | None = None

    def counts(self, rest_ms: Fraction | int) -> bool:
        """Judge what is left over after the full blocks."""
        if self.longer_than is not None:
            return rest_ms > self.longer_than.ms
        return rest_ms > 0 and rest_ms >= (self.at_least.ms if self.at_least else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Formula):
    """Blocks are counted in each outage, or in the downtime of the period together."""

    every: Duration
    pays: Pay
    counted: Rounds | Part = Rounds.STARTED
    per: Per = Per.PERIOD
    on: On = On.OUTAGES

    def __post_init__(self) -> None:
        if not self.every.ms:
            raise ValueError("every: must be longer than nothing")

    def award(self, measured: Measured) -> Award:
        """Count the blocks."""
        lengths = _lengths(self.on, measured)
        if self.per is Per.PERIOD:
            lengths = [sum(lengths)] if lengths else []
        counts = [self.count(length) for length in lengths]
        steps = tuple(
            _told(self, length, count) for length, count in zip(lengths, counts, strict=True)
        )
        return Award(
            pays=tuple(self.pays.times(count) for count in counts if count),
            by_outage=self.per is Per.OUTAGE,
            steps=steps,
        )

    def clause(self) -> Clause:
        """Say what a block is and what it pays, and how parts of one count."""
        said = step(f"clause_block_{self.on.value}", every=self.every, pays=self.pays)
        per = step(f"clause_per_{self.per.value}")
        return Clause(said=(said, per, self._clause_of_parts()))

    def _clause_of_parts(self) -> Step:
        if not isinstance(self.counted, Part):
            return step(f"clause_part_{self.counted.value}")
        if self.counted.longer_than is not None:
            return step("clause_part_longer_than", limit=self.counted.longer_than)
        return step("clause_part_at_least", limit=self.counted.at_least or Duration(1))

    def count(self, length_ms: Fraction | int) -> int:
        """Count the blocks in a stretch of downtime."""
        blocks = Fraction(length_ms) / self.every.ms
        full = math.floor(blocks)
        if isinstance(self.counted, Part):
            return full + self.counted.counts(length_ms - full * self.every.ms)
        match self.counted:
            case Rounds.STARTED:
                return math.ceil(blocks)
            case Rounds.NEAREST:
                return math.floor(blocks + Fraction(1, 2))
            case _:
                return full


def _lengths(on: On, measured: Measured) -> list[Fraction | int]:
    if on is On.OUTAGES:
        return [outage.ms for outage in measured.outages]
    windows = tidy(
        exclusion.window
        for exclusion in measured.case.exclusions
        if exclusion.kind is ExclusionKind.MAINTENANCE
        and not is_late(measured.policy.exclusions, exclusion)
    )
    return [end - start for start, end in clip(windows, measured.case.span)]


def _told(block: Block, length: Fraction | int, count: int) -> Step:
    total = block.pays.times(count)
    return step("blocks", count=count, every=block.every, length=Duration(int(length)), pays=total)
