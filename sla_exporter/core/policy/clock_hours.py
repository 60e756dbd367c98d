"""Clock hours: hours of the clock that were not available enough are not charged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sla_exporter.core.policy.formula import Award, Clause, Formula, one
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay, Unit
from sla_exporter.core.reasoning import Share, step
from sla_exporter.core.windows import Window, clip, tidy, total_ms

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockHours(Formula):
    """An hour with an availability below this is worth an hour of the fee."""

    below: Share

    def award(self, measured: Measured) -> Award:
        """Judge every hour that has downtime in it."""
        origin = measured.case.period.span.start_ms
        down = tidy(outage.window for outage in measured.outages)
        hours = {
            number
            for start, end in down
            for number in range((start - origin) // HOUR_MS, -((origin - end) // HOUR_MS))
        }
        bad = 0
        for number in hours:
            hour = Window(origin + number * HOUR_MS, origin + (number + 1) * HOUR_MS)
            up_ms = HOUR_MS - total_ms(clip(down, hour))
            bad += up_ms < self.below.value * HOUR_MS
        pays = Pay(Unit.HOURS).times(bad)
        return one(pays, step("clock_hours", count=bad, below=self.below, pays=pays))

    def clause(self) -> Clause:
        """Say which hours are free."""
        return Clause(said=(step("clause_clock_hours", below=self.below),))

    def amounts(self) -> Iterator[Pay]:
        """Give an hour of the fee."""
        yield Pay(Unit.HOURS)
