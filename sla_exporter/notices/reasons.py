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
    "not_measured": N_("No series of service %(service)s was ever seen for this contract."),
    "outage": N_("Outage from %(start)s to %(end)s: %(length)s."),
    "unknown_exclude": N_(
        "No measurements from %(start)s to %(end)s: %(length)s, left out of the calculation."
    ),
    "unknown_up": N_("No measurements from %(start)s to %(end)s: %(length)s, counted as up."),
    "unknown_down": N_("No measurements from %(start)s to %(end)s: %(length)s, counted as down."),
    "incident": N_("Alert %(alert)s was firing from %(start)s to %(end)s: %(length)s."),
    "nothing_counted": N_("There is no measured time to calculate an availability from."),
    "availability": N_(
        "Availability: %(counted)s counted, less %(down)s down, is %(up)s up: %(ratio)s."
    ),
    "objective_met": N_("The objective of %(objective)s was met."),
    "objective_breached": N_("The objective of %(objective)s was missed."),
    "no_tier": N_("No row of the credit table applies."),
    "tier": N_("An availability below %(below)s earns %(pays)s of the fee."),
    "share_of_fee": N_("%(share)s of the fee of %(fee)s is %(amount)s."),
    "capped": N_("The credit is capped at %(cap)s of the fee: %(amount)s."),
    "rounded": N_("Rounded %(mode)s: %(credit)s."),
    "not_over_minimum": N_("A credit of %(credit)s is not over the minimum of %(minimum)s: none."),
    "under_minimum": N_("A credit of %(credit)s is under the minimum of %(minimum)s: none."),
    "hold_coverage": N_(
        "Held for a person: only %(coverage)s of the time was measured; %(minimum)s is needed."
    ),
    "hold_review": N_("Held for a person: credits of this policy are reviewed."),
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
        N_("account credit"),
        N_("next invoice"),
        N_("refund"),
    )
}


def sentence(step: Step, formats: Formats) -> str:
    """Write one step."""
    facts = {
        name: formats.words.gettext(fact) if fact in WORDS else formats.fact(fact)
        for name, fact in step.facts.items()
    }
    return formats.words.gettext(SENTENCES[step.code]) % facts


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
