"""The sentences in which the terms of service put what a credit formula pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.notices.reasons import N_, filled

if TYPE_CHECKING:
    from sla_exporter.core.reasoning import Step
    from sla_exporter.notices.formats import Formats

CLAUSES = {
    "clause_flat": N_("If we miss the objective, we give you %(pays)s."),
    "clause_tiers": N_("What we give you depends on the availability of the period:"),
    "clause_table_outage": N_("What we give you for an outage depends on its length:"),
    "clause_table_period": N_("What we give you depends on the downtime of the whole period:"),
    "clause_longest": N_("Of several outages in a period, only the longest counts."),
    "clause_count": N_("What we give you depends on the number of %(what)s in the period:"),
    "clause_block_outages": N_("For every %(every)s of downtime we give you %(pays)s."),
    "clause_block_maintenance": N_("For every %(every)s of maintenance we give you %(pays)s."),
    "clause_per_outage": N_("Each outage is counted by itself."),
    "clause_per_period": N_("The downtime of the period is added up first."),
    "clause_part_started": N_("A part of that counts as a whole."),
    "clause_part_full": N_("A part of that does not count."),
    "clause_part_nearest": N_("A part of that counts as a whole from half of it on."),
    "clause_part_longer_than": N_("A part of that counts as a whole if it is over %(limit)s."),
    "clause_part_at_least": N_("A part of that counts as a whole from %(limit)s on."),
    "clause_prorata": N_("We give you back the share of the fee that was paid for the downtime."),
    "clause_prorata_times": N_(
        "We give you back %(times)s times the share of the fee that was paid for the downtime."
    ),
    "clause_prorata_promised": N_(
        "We give you back %(times)s times the fee in proportion to the downtime; the fee is taken "
        "to pay only for time that counts."
    ),
    "clause_per_step_full": N_(
        "For every full %(step)s by which we miss the objective, we give you %(pays)s."
    ),
    "clause_per_step_started": N_(
        "For every started %(step)s by which we miss the objective, we give you %(pays)s."
    ),
    "clause_per_step_nearest": N_(
        "For every %(step)s by which we miss the objective, to the nearest, we give you %(pays)s."
    ),
    "clause_days": N_("For every calendar day on which there was downtime, we give you %(pays)s."),
    "clause_days_after": N_(
        "For every calendar day of an outage after the end of working day %(working_days)s that "
        "follows its first day, we give you %(pays)s."
    ),
    "clause_streak": N_(
        "Once %(periods)s periods in a row have missed the objective, we give you %(pays)s."
    ),
    "clause_clock_hours": N_(
        "We do not charge any hour of the clock with an availability below %(below)s."
    ),
    "when": N_("any"),
    "when_below": N_("less than %(high)s"),
    "when_up_to": N_("%(high)s or less"),
    "when_at_least": N_("%(low)s or more"),
    "when_above": N_("more than %(low)s"),
    "when_at_least_below": N_("%(low)s or more, but less than %(high)s"),
    "when_at_least_up_to": N_("%(low)s or more, up to %(high)s"),
    "when_above_below": N_("more than %(low)s, but less than %(high)s"),
    "when_above_up_to": N_("more than %(low)s, up to %(high)s"),
}


def clause_sentence(step: Step, formats: Formats) -> str:
    """Write one step of a clause."""
    return filled(CLAUSES[step.code], step, formats)
