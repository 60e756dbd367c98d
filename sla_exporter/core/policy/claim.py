"""Claims: credits that the customer must ask for, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sla_exporter.core.periods import Period, datetime_of, midnight_ms
from sla_exporter.core.policy.days import working_days_after

if TYPE_CHECKING:
    from sla_exporter.core.policy.case import Case


class Anchor(StrEnum):
    """From when a deadline is counted."""

    INCIDENT = "incident"  # when the (last) outage began
    RESOLUTION = "resolution"  # when it ended
    PERIOD_END = "period end"
    NEXT_PERIOD_END = "end of the next period"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """So many hours, days or business days after the anchor; zero is the anchor itself."""

    of: Anchor = Anchor.INCIDENT
    hours: int = 0
    days: int = 0
    business_days: int = 0

    def end_ms(self, case: Case) -> int:
        """Give the first moment that is too late; a deadline in days ends with its last day."""
        zone, anchor = case.period.zone, self._anchor_ms(case)
        if self.hours:
            return anchor + self.hours * 3_600_000
        if not (self.days or self.business_days):
            return anchor
        # A period ends as its last day does; days are counted from that day on.
        day = datetime_of(anchor - 1 if self._is_end else anchor, zone).date()
        day = working_days_after(day, self.business_days) + timedelta(days=self.days)
        return midnight_ms(day + timedelta(days=1), zone)

    @property
    def _is_end(self) -> bool:
        return self.of in {Anchor.PERIOD_END, Anchor.NEXT_PERIOD_END}

    def _anchor_ms(self, case: Case) -> int:
        period: Period = case.period
        match self.of:
            case Anchor.PERIOD_END:
                return period.span.end_ms
            case Anchor.NEXT_PERIOD_END:
                return period.following.span.end_ms
            case Anchor.INCIDENT:
                starts = [outage.window.start_ms for outage in case.outages]
                return max(starts, default=period.span.end_ms)
            case _:
                ends = [outage.window.end_ms for outage in case.outages]
                return max(ends, default=period.span.end_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A credit on request: at any time or within a deadline, maybe only after a ticket.

    ``remind_ms`` is how long before the deadline customers are reminded; ``tolerance_ms`` how far
    the times that they name may be from what was measured.
    """

    within: Deadline | None = None
    ticket_within: Deadline | None = None
    remind_ms: int | None = None
    tolerance_ms: int = 15 * 60_000

    def until_ms(self, case: Case) -> int | None:
        """Give the first moment at which a claim is too late, if there is one."""
        return self.within.end_ms(case) if self.within else None

    def remind_at_ms(self, case: Case) -> int | None:
        """Say when the customer is to be reminded, if at all."""
        until_ms = self.until_ms(case)
        return None if until_ms is None or self.remind_ms is None else until_ms - self.remind_ms


class ClaimState(StrEnum):
    """Where a claim stands."""

    NEEDED = "needed"
    MADE = "made"
    LATE = "late"
    NO_TICKET = "no ticket"


def claim_state(claim: Claim, case: Case) -> ClaimState:
    """Judge the claim of a case."""
    if claim.ticket_within and (
        case.ticket_at_ms is None or case.ticket_at_ms >= claim.ticket_within.end_ms(case)
    ):
        return ClaimState.NO_TICKET
    if case.claimed_at_ms is None:
        return ClaimState.NEEDED
    if claim.within and case.claimed_at_ms >= claim.within.end_ms(case):
        return ClaimState.LATE
    return ClaimState.MADE
