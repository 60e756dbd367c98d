"""Count: rows of how often something else was broken, such as answers that came too late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.policy.formula import Award, Clause, Flaw, Formula, one, undecided
from sla_exporter.core.policy.ladder import Domain, highest_bound, row_flaws, row_steps
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.policy.rows import Holes, Overlaps, chosen
from sla_exporter.core.reasoning import step

if TYPE_CHECKING:
    from sla_exporter.core.policy.terms import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """One row; without a lower bound, all that lies below and is in no lower row."""

    pays: Pay
    below: int | None = None
    up_to: int | None = None
    at_least: int | None = None
    above: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(Formula):
    """The row that the number of such events lies in pays; none happened, none is paid."""

    what: str
    rows: tuple[CountRow, ...]

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError("rows: there must be at least one")

    def award(self, measured: Measured) -> Award:
        """Look the number up."""
        count = measured.case.counts.get(self.what, 0)
        if not count:
            return Award()
        row = chosen(self.rows, count, Holes.FLAG, Overlaps.FLAG)
        if not isinstance(row, CountRow):
            return undecided(step("count_undecided", what=self.what, count=count))
        return one(row.pays, step("count", what=self.what, count=count, pays=row.pays))

    def clause(self) -> Clause:
        """Say what each number earns."""
        return Clause(said=(step("clause_count", what=self.what),), rows=row_steps(self.rows))

    def amounts(self) -> Iterator[Pay]:
        """Give what the rows pay."""
        yield from (row.pays for row in self.rows)

    def flaws(self, objective: Objective | None) -> Iterator[Flaw]:  # noqa: ARG002 - of numbers
        """Look at all numbers."""
        top = int(highest_bound(self.rows)) + 2
        domain = Domain(0, top, with_low=False, with_high=False, unit=int)
        yield from row_flaws(self.rows, domain, None, None)
