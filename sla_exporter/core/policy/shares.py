"""Availability as a share of events, by the letter of the policy's exclusions.

A slot is excluded if the excluded time covers it as a whole: never more than was announced.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.policy.exclusions import Leaves
from sla_exporter.core.reasoning import Step, step
from sla_exporter.core.sli.counts import EventCount, EventSum, slots_within

if TYPE_CHECKING:
    from sla_exporter.core.windows import Windows

_CODES = {
    Leaves.BOTH: "events_left_out",
    Leaves.NUMERATOR: "events_forgiven",
    Leaves.DENOMINATOR: "events_blamed",
}


@dataclass(frozen=True, slots=True)
class Shares:
    """The share of good events, and what was done to get it."""

    ratio: Fraction | None
    steps: tuple[Step, ...] = ()


def share_of_events(count: EventCount, excluded: Windows, leaves: Leaves) -> Shares:
    """Give the availability of counted events once excluded slots were dealt with."""
    outside = slots_within(count.apart, excluded) if excluded else ()
    if not outside:
        return Shares(count.ratio)
    excused = EventSum.of(outside)
    kept = count.everything.without(excused)
    match leaves:
        case Leaves.BOTH:
            counted = kept
        case Leaves.NUMERATOR:
            counted = kept + excused.forgiven
        case Leaves.DENOMINATOR:
            counted = kept.blamed_for(excused)
    facts = {
        "slots": excused.slots,
        "bad": round(excused.total - excused.good),
        "total": round(excused.total),
    }
    return Shares(count.ratio_of(counted), (step(_CODES[leaves], **facts),))
