"""The sentence for every step of a reasoning, in the reader's language."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sla_exporter.core.reasoning import Step
    from sla_exporter.notices.formats import Formats


MOST_OF_A_KIND = 60


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a message for translation without translating it yet."""
    return message


SENTENCES = {
    "period": N_("Period: %(start)s to %(end)s, %(length)s, time zone %(zone)s."),
    "life": N_("The contract ran from %(start)s to %(end)s of it: %(length)s."),
    "open": N_("What lies from %(start)s to %(end)s is still open and counts as up: %(length)s."),
    "measured_by_one": N_(
        "Measured by one series of service %(service)s, one sample every %(interval)s; "
        "an outage runs from its first bad sample to its first good one."
    ),
    "measured_by_many": N_(
        "Measured by %(series)s series of service %(service)s, one sample every %(interval)s; "
        "down while %(quorum)s of the known ones are down."
    ),
    "measured_by_expr": N_(
        "Measured by an expression of service %(service)s, evaluated every %(interval)s; "
        "a step without a value is unknown."
    ),
    "measured_by_events": N_(
        "Measured by counting the events of service %(service)s in slots of %(interval)s."
    ),
    "measured_by_error_rate": N_(
        "Measured by counting the events of service %(service)s in slots of %(interval)s; a slot "
        "is down when more than %(limit)s of its events failed. A slot without events %(empty)s."
    ),
    "events_counted": N_("Good events: %(good)s of %(total)s."),
    "events_left_out": N_(
        "Slots in excluded time are left out: %(slots)s, with %(total)s events, "
        "%(bad)s of them bad."
    ),
    "events_forgiven": N_(
        "Slots in excluded time count as good: %(slots)s, with %(total)s events, "
        "%(bad)s of them bad."
    ),
    "events_blamed": N_(
        "Of slots in excluded time only what was bad counts: %(slots)s, with %(total)s events, "
        "%(bad)s of them bad."
    ),
    "events_averaged": N_(
        "The availability is the average of %(slots)s slots, %(without)s of them without events. "
        "A slot without events %(empty)s."
    ),
    "min_known": N_("With fewer than %(count)s known series the state is unknown."),
    "disagreed": N_(
        "Vantage points disagreed %(count)s times, for %(length)s in all: some were down while "
        "%(quorum)s were not. None of that counts as downtime."
    ),
    "outage_partial": N_("Outage from %(start)s to %(end)s: %(length)s, which hit %(share)s."),
    "not_measured": N_("No series of service %(service)s was ever seen for this contract."),
    "outage": N_("Outage from %(start)s to %(end)s: %(length)s."),
    "unknown_exclude": N_(
        "No measurements from %(start)s to %(end)s: %(length)s, left out of the calculation."
    ),
    "unknown_up": N_("No measurements from %(start)s to %(end)s: %(length)s, counted as up."),
    "unknown_down": N_("No measurements from %(start)s to %(end)s: %(length)s, counted as down."),
    "incident": N_("Alert %(alert)s was firing from %(start)s to %(end)s: %(length)s."),
    "incident_added": N_("Alert %(alert)s was entered by hand: %(why)s."),
    "incident_found": N_("Alert %(alert)s was found afterwards; no message had told of it."),
    "incident_ended": N_(
        "The end of alert %(alert)s was found afterwards; no message had told of it."
    ),
    "incident_extended": N_(
        "Alert %(alert)s was found afterwards to have lasted longer than messages told."
    ),
    "incident_reopened": N_("Alert %(alert)s was found afterwards to be firing still."),
    "incident_dismissed": N_("Alert %(alert)s does not count as having happened: %(why)s."),
    "incident_restored": N_("Alert %(alert)s counts after all: %(why)s."),
    "evidence_alerts": N_("Downtime is what alerts say."),
    "evidence_confirmed": N_("Downtime is what was measured while an alert says so too."),
    "evidence_either": N_("Downtime is what was measured, and what alerts say."),
    "outage_without_alert": N_(
        "Measurement and alerts disagree: no alert was firing from %(start)s to %(end)s "
        "(%(length)s); the outage counts."
    ),
    "outage_not_confirmed": N_(
        "Measurement and alerts disagree: no alert was firing from %(start)s to %(end)s "
        "(%(length)s); the outage that was measured does not count."
    ),
    "alert_without_outage": N_(
        "Measurement and alerts disagree: an alert was firing from %(start)s to %(end)s "
        "(%(length)s), and no outage was measured; it does not count."
    ),
    "alert_counts_alone": N_(
        "Measurement and alerts disagree: an alert was firing from %(start)s to %(end)s "
        "(%(length)s), and no outage was measured; it counts."
    ),
    "exclusion_stated": N_(
        "Said not to count, %(kind)s: %(start)s to %(end)s, %(length)s; announced %(announced)s. "
        "Reason: %(why)s."
    ),
    "exclusion_unannounced": N_(
        "Said not to count, %(kind)s: %(start)s to %(end)s, %(length)s; not announced. "
        "Reason: %(why)s."
    ),
    "nothing_counted": N_("There is no measured time to calculate an availability from."),
    "availability": N_(
        "Availability: %(counted)s counted, less %(down)s down, is %(up)s up: %(ratio)s."
    ),
    "objective_met": N_("The objective of %(objective)s was met."),
    "objective_breached": N_("The objective of %(objective)s was missed."),
    "availability_given": N_("Availability, measured as a share of all items: %(ratio)s."),
    "excluded": N_("Not counted, %(kind)s: %(start)s to %(end)s, %(length)s."),
    "exclusion_not_covered": N_(
        "Counted, because the contract does not exclude it, %(kind)s: %(start)s to %(end)s."
    ),
    "exclusion_announced_late": N_(
        "Counted, because it was not announced %(notice)s before, %(kind)s: %(start)s to %(end)s."
    ),
    "exclusion_over_budget": N_(
        "Counted, because it is over the allowed maintenance: %(over)s of %(start)s to %(end)s."
    ),
    "not_reported": N_("The outage from %(start)s was not reported, and so does not count."),
    "clock_from_report": N_("The outage counts from its report at %(at)s on."),
    "too_few_affected": N_(
        "An outage that hit %(share)s does not count; only those that hit more than %(limit)s do."
    ),
    "too_short": N_(
        "The outage at %(start)s, %(length)s, is too short to count; the limit is %(limit)s."
    ),
    "allowance_deducted": N_("Of the downtime, %(allowance)s are allowed; %(left)s are left."),
    "no_tier": N_("No row of the credit table applies."),
    "tier": N_("An availability below %(limit)s earns %(pays)s."),
    "tier_up_to": N_("An availability of %(limit)s or less earns %(pays)s."),
    "tier_open": N_("This availability earns %(pays)s."),
    "tier_hole": N_("Undecided: no row of the credit table says what %(ratio)s earns."),
    "tier_overlap": N_("Undecided: several rows of the credit table claim %(ratio)s."),
    "table_row": N_("Downtime of %(length)s earns %(pays)s."),
    "table_nothing": N_("Downtime of %(length)s earns nothing."),
    "table_hole": N_(
        "Undecided: no row of the credit table says what %(length)s of downtime earn."
    ),
    "table_overlap": N_(
        "Undecided: several rows of the credit table claim %(length)s of downtime."
    ),
    "blocks": N_("Downtime of %(length)s counts as %(count)s times %(every)s and earns %(pays)s."),
    "prorata": N_(
        "Downtime of %(down)s, of %(covers)s that the fee pays for, times %(times)s: %(share)s."
    ),
    "flat": N_("The missed objective earns %(pays)s."),
    "steps_below": N_(
        "Counted below %(limit)s in steps of %(step)s: %(count)s, which earn %(pays)s."
    ),
    "days_touched": N_("Calendar days with downtime: %(count)s, which earn %(pays)s."),
    "streak": N_("Periods in a row that missed the objective: %(count)s, which earn %(pays)s."),
    "streak_short": N_(
        "Periods in a row that missed the objective: %(count)s; a credit needs %(needed)s."
    ),
    "count": N_("Number of %(what)s: %(count)s, which earns %(pays)s."),
    "count_undecided": N_(
        "Undecided: the credit table does not say what %(count)s times %(what)s earn."
    ),
    "clock_hours": N_("Hours with an availability below %(below)s: %(count)s, not charged."),
    "share_of_base": N_("%(share)s of %(of)s (%(base)s) is %(amount)s."),
    "base_unknown": N_("Undecided: the contract does not say how much this is: %(base)s."),
    "highest_counts": N_("Of several credits for the same, only the highest is given."),
    "capped_outage": N_("No more than %(cap)s is given for an outage: %(amount)s."),
    "capped_period": N_("No more than %(cap)s is given for a period: %(amount)s."),
    "capped_twelve_months": N_("No more than %(cap)s is given in twelve months: %(amount)s."),
    "price_change": N_(
        "From %(at)s on the fee was %(fee)s; each fee counts for its part of the period."
    ),
    "capped_days": N_("No more than %(cap)s is given."),
    "rounded": N_("%(amount)s, rounded %(mode)s, is %(credit)s."),
    "not_over_minimum": N_("A credit of %(credit)s is not over the minimum of %(minimum)s: none."),
    "under_minimum": N_("A credit of %(credit)s is under the minimum of %(minimum)s: none."),
    "carried_in": N_("With the %(carried)s kept from before, %(credit)s is %(total)s."),
    "carried_spent": N_(
        "Of what was kept from before, %(spent)s was given already; %(credit)s is left."
    ),
    "adjusted": N_("After a review the credit is %(credit)s instead of %(before)s."),
    "carried_over": N_("The %(credit)s are kept and added to the next credit."),
    "undecided": N_("Undecided by the contract's text: %(text)s (%(readings)s)."),
    "discretionary": N_("The contract says that this credit may be given: a person decides."),
    "claim_needed": N_("The credit must be claimed before %(deadline)s."),
    "claim_made": N_("The credit was claimed in time, before %(deadline)s."),
    "claim_late": N_("The credit was claimed too late; it had to be claimed before %(deadline)s."),
    "claim_needed_any_time": N_("The credit must be claimed; the contract sets no deadline."),
    "claim_made_any_time": N_("The credit was claimed."),
    "claim_no_ticket": N_("No credit, because the outage was not reported by ticket in time."),
    "claim_received": N_("A claim for the period was received on %(at)s."),
    "claim_received_for": N_(
        "A claim was received on %(at)s, for an outage from %(start)s to %(end)s."
    ),
    "claim_ticket": N_("The outage was reported on %(at)s, by ticket %(ticket)s."),
    "claim_no_match": N_(
        "Nothing that was measured comes within %(tolerance)s of what the claim speaks of."
    ),
    "claim_refused_late": N_("The claim came too late; it had to come before %(deadline)s."),
    "claim_rejected": N_("The claim is refused: after a review nothing is given for the period."),
    "claim_not_needed": N_("The claim is refused: credits of this contract come without one."),
    "claim_nothing_due": N_("The claim is refused: nothing is due for the period."),
    "claim_duplicate": N_("The same was claimed before."),
    "claim_lapsed": N_("Nobody claimed the credit before %(deadline)s, so it is not given."),
    "opinion_confirmed": N_(
        "A second opinion, by %(source)s, confirms the downtime; edges may differ by %(tolerance)s."
    ),
    "opinion_disputed": N_(
        "A second opinion, by %(source)s, disagrees by more than the %(tolerance)s allowed."
    ),
    "opinion_missing": N_("A second opinion, by %(source)s, knows nothing of the downtime."),
    "opinion_not_given": N_("A second opinion, by %(source)s, could not be had: %(problem)s."),
    "opinion_down": N_("%(source)s saw it down from %(start)s to %(end)s: %(length)s."),
    "opinion_unknown": N_("%(source)s does not know from %(start)s to %(end)s: %(length)s."),
    "opinion_differs": N_("%(source)s and we differ from %(start)s to %(end)s: %(length)s."),
    "hold_disputed": N_("Held for a person: the second opinion disagrees."),
    "hold_unconfirmed": N_("Held for a person: there is no second opinion."),
    "hold_coverage": N_(
        "Held for a person: only %(coverage)s of the time was measured; %(minimum)s is needed."
    ),
    "hold_retention": N_(
        "Held for a person: the samples of %(length)s were not there any more when they were read."
    ),
    "hold_undecided": N_("Held for a person: the contract's text does not decide this case."),
    "hold_claim": N_("Held until the customer claims it."),
    "hold_stated": N_(
        "Held for a person: it is due by what the customer says, and was not when it was settled."
    ),
    "hold_review": N_("Held for a person: credits of this policy are reviewed."),
    "hold_overlap": N_(
        "Held for a person: the time before %(end)s was settled already, by other periods."
    ),
    "hold_renamed": N_(
        "Held for a person: this time was settled already as %(other)s, whose contract is no more."
    ),
    "hold_fleet": N_(
        "Held for a person: %(contracts)s of %(fleet)s contracts were down at the same time "
        "(%(at)s), which may be a fault of the monitoring."
    ),
    "hold_size": N_("Held for a person: %(credit)s is more than %(limit)s for one credit."),
    "hold_budget_count": N_(
        "Held for a person: with this there are %(count)s credits, more than %(limit)s."
    ),
    "hold_budget_sum": N_(
        "Held for a person: together with others it comes to %(total)s, more than %(limit)s."
    ),
    "hold_budget_share": N_(
        "Held for a person: together with others it comes to %(total)s, %(share)s of the fees, "
        "which is more than %(limit)s."
    ),
}

# Facts that are words of a closed set, and so are translated too.
WORDS = {
    word: word
    for word in (
        N_("half up"),
        N_("half even"),
        N_("up"),
        N_("down"),
        N_("all"),
        N_("counts as up"),
        N_("counts as down"),
        N_("is left out"),
        N_("account credit"),
        N_("next invoice"),
        N_("refund"),
        N_("extension"),
        N_("right to terminate"),
        N_("service fee"),
        N_("whole bill"),
        N_("previous invoice"),
        N_("1/12 of annual fee"),
        N_("renewal fee"),
        N_("fee at the time of the fault"),
        N_("maintenance"),
        N_("emergency maintenance"),
        N_("caused by the customer"),
        N_("force majeure"),
        N_("quarter"),
        N_("year"),
    )
}


def sentence(step: Step, formats: Formats) -> str:
    """Write one step."""
    return filled(SENTENCES[step.code], step, formats)


def filled(message: str, step: Step, formats: Formats) -> str:
    """Translate a message, and fill in the facts of a step."""
    facts = {
        name: formats.say(fact) if fact in WORDS else formats.fact(fact)
        for name, fact in step.facts.items()
    }
    return formats.say(message, **facts)


def sentences(steps: Iterable[Step], formats: Formats) -> list[str]:
    """Write all steps; of many outages in a row, the first sixty and how many more there are."""
    written: list[str] = []
    for _, group in groupby(steps, key=lambda step: step.code):
        same = list(group)
        written.extend(sentence(step, formats) for step in same[:MOST_OF_A_KIND])
        more = len(same) - MOST_OF_A_KIND
        if more > 0:
            text = formats.words.ngettext("... and %(num)d more.", "... and %(num)d more.", more)
            written.append(text % {"num": more})
    return written
