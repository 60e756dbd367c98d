"""A case: everything that happened to one contract in one period, before any policy looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from sla_exporter.core.catalogue import Contract
from sla_exporter.core.money import Money
from sla_exporter.core.periods import Period, PeriodKind
from sla_exporter.core.sli.counts import EventCount
from sla_exporter.core.windows import Window, Windows, reaching_back

ONE = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A stretch of downtime.

    ``affected`` is the share of requests, users or customers that it hit; ``reported_at_ms`` when
    the customer reported it, if they did.
    """

    window: Window
    affected: Fraction = ONE
    reported_at_ms: int | None = None


class ExclusionKind(StrEnum):
    """Why a stretch of time may not count."""

    MAINTENANCE = "maintenance"
    EMERGENCY = "emergency maintenance"
    CUSTOMER = "caused by the customer"
    FORCE_MAJEURE = "force majeure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A stretch of time that somebody wants excluded, and when it was announced."""

    window: Window
    kind: ExclusionKind = ExclusionKind.MAINTENANCE
    announced_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The facts of one contract and period.

    ``span`` is the part of the period in which the contract ran. ``ratio`` is an availability that
    was measured as a share of items rather than of time, and ``events`` what it is made of where
    events were counted. ``breached_before`` tells of the periods
    before this one, the latest first; ``granted_before`` what was paid in the twelve months before;
    ``carried`` what was kept for this credit because it was under the minimum;
    ``counts`` of other broken promises, such as late answers. Exclusions may lie before the span:
    they use up a yearly budget.
    """

    contract: Contract
    period: Period
    span: Window
    outages: tuple[Outage, ...] = ()
    unknown: Windows = ()
    exclusions: tuple[Exclusion, ...] = ()
    ratio: Fraction | None = None
    events: EventCount | None = None
    breached_before: tuple[bool, ...] = ()
    granted_before: Money | None = None
    carried: Money | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    claimed_at_ms: int | None = None
    ticket_at_ms: int | None = None

    @property
    def reach(self) -> Window:
        """The span, and the time before it in which outages that count as a whole began."""
        if not self.is_by_incident:
            return self.span
        return reaching_back(self.span, (outage.window for outage in self.outages))

    @property
    def is_by_incident(self) -> bool:
        """Say whether outages count as a whole, wherever the period begins and ends."""
        return self.period.rule.kind is PeriodKind.INCIDENT
