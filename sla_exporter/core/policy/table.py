"""Table: rows of downtime, of each outage or of the whole period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sla_exporter.core.policy.formula import Award, Clause, Flaw, Formula
from sla_exporter.core.policy.ladder import Domain, highest_bound, row_flaws, row_steps
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.policy.rows import Holes, Overlaps, chosen
from sla_exporter.core.reasoning import Duration, Step, step

if TYPE_CHECKING:
    from sla_exporter.core.policy.terms import Objective


class Per(StrEnum):
    """What is looked up, or counted, or multiplied: every outage, or the downtime together."""

    OUTAGE = "outage"
    PERIOD = "period"


class Most(StrEnum):
    """What of several outages is paid."""

    ALL = "all"
    LONGEST = "longest"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row; without a lower bound, all that lies below and is in no lower row."""

    pays: Pay
    below: Duration | None = None
    up_to: Duration | None = None
    at_least: Duration | None = None
    above: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Formula):
    """The row that the downtime lies in pays."""

    rows: tuple[TableRow, ...]
    per: Per = Per.OUTAGE
    pays_for: Most = Most.ALL
    holes: Holes | None = None
    overlaps: Overlaps | None = None

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError("rows: there must be at least one")

    def award(self, measured: Measured) -> Award:
        """Look up each outage, or all downtime."""
        lengths = [int(outage.ms) for outage in measured.outages]
        if self.per is Per.PERIOD:
            lengths = [sum(lengths)] if lengths else []
        elif self.pays_for is Most.LONGEST:
            lengths = sorted(lengths)[-1:]
        pays: list[Pay] = []
        steps: list[Step] = []
        flags: list[Step] = []
        for length in lengths:
            row = chosen(self.rows, length, self.holes, self.overlaps)
            if isinstance(row, TableRow):
                pays.append(row.pays)
                steps.append(step("table_row", length=Duration(length), pays=row.pays))
            elif row is Holes.NOTHING:
                steps.append(step("table_nothing", length=Duration(length)))
            else:
                code = "table_hole" if row is Holes.FLAG else "table_overlap"
                flags.append(step(code, length=Duration(length)))
        return Award(
            pays=tuple(pays),
            by_outage=self.per is Per.OUTAGE,
            steps=tuple(steps),
            flags=tuple(flags),
        )

    def clause(self) -> Clause:
        """Say what each length of downtime earns."""
        said = [step(f"clause_table_{self.per.value}")]
        if self.pays_for is Most.LONGEST:
            said.append(step("clause_longest"))
        return Clause(said=tuple(said), rows=row_steps(self.rows))

    def amounts(self) -> Iterator[Pay]:
        """Give what the rows pay."""
        yield from (row.pays for row in self.rows)

    def flaws(self, objective: Objective | None) -> Iterator[Flaw]:  # noqa: ARG002 - of time
        """Look at all lengths."""
        top = 2 * highest_bound(self.rows)
        domain = Domain(0, top, with_low=False, with_high=False, unit=Duration)
        yield from row_flaws(self.rows, domain, self.holes, self.overlaps)
