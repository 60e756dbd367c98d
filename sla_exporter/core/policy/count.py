"""Count: rows of how often something else was broken, such as answers that came too late."""

from __future__ import annotations

from dataclasses import dataclass

from sla_exporter.core.policy.formula import Award, one, undecided
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.policy.rows import Holes, Overlaps, chosen
from sla_exporter.core.reasoning import step


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """One row; without a lower bound, all that lies below and is in no lower row."""

    pays: Pay
    below: int | None = None
    up_to: int | None = None
    at_least: int | None = None
    above: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The row that the number of such events lies in pays; none happened, none is paid."""

    what: str
    rows: tuple[CountRow, ...]

    def award(self, measured: Measured) -> Award:
        """Look the number up."""
        count = measured.case.counts.get(self.what, 0)
        if not count:
            return Award()
        row = chosen(self.rows, count, Holes.FLAG, Overlaps.FLAG)
        if not isinstance(row, CountRow):
            return undecided(step("count_undecided", what=self.what, count=count))
        return one(row.pays, step("count", what=self.what, count=count, pays=row.pays))
