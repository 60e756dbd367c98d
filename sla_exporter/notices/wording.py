"""Parts of a policy as words inside a sentence: amounts, periods, deadlines, windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.dates import format_time, get_day_names, get_month_names

from sla_exporter.core.periods import PeriodKind, PeriodRule
from sla_exporter.core.policy.claim import Anchor, Deadline
from sla_exporter.core.reasoning import Duration
from sla_exporter.notices.reasons import N_

if TYPE_CHECKING:
    from sla_exporter.core.policy.exclusions import Recurring
    from sla_exporter.core.policy.pay import Pay
    from sla_exporter.notices.formats import Formats

WEEK = 7

PERIODS = {
    PeriodKind.MONTH: N_("calendar month"),
    PeriodKind.BILLING_MONTH: N_("billing month, from the day on which your contract began"),
    PeriodKind.QUARTER: N_("quarter (the year begins in %(month)s)"),
    PeriodKind.YEAR: N_("year (which begins in %(month)s)"),
    PeriodKind.CYCLE: N_("cycle of %(days)s days, counted from the first day of your contract"),
    PeriodKind.TRAILING: N_("%(days)s days that end with a calendar month"),
    PeriodKind.INCIDENT: N_("outage by itself"),
}
DEADLINES = {
    Anchor.INCIDENT: N_("%(time)s after the outage began"),
    Anchor.RESOLUTION: N_("%(time)s after the outage ended"),
    Anchor.PERIOD_END: N_("%(time)s after the end of the period"),
    Anchor.NEXT_PERIOD_END: N_("%(time)s after the end of the next period"),
}
DEADLINES_AT_ONCE = {
    Anchor.INCIDENT: N_("on the day of the outage"),
    Anchor.RESOLUTION: N_("on the day on which the outage ends"),
    Anchor.PERIOD_END: N_("by the end of the period"),
    Anchor.NEXT_PERIOD_END: N_("by the end of the next period"),
}


def pay_text(pay: Pay, formats: Formats) -> str:
    """Write an amount, with its base if it has one of its own."""
    text = formats.pay(pay)
    if pay.of is None:
        return text
    return formats.say("%(amount)s of the %(base)s", amount=text, base=formats.say(pay.of.value))


def period_text(rule: PeriodRule, formats: Formats) -> str:
    """Name a kind of period."""
    month = get_month_names("wide", "stand-alone", locale=formats.locale)[rule.first_month]
    return formats.say(PERIODS[rule.kind], month=month, days=rule.days)


def deadline_text(deadline: Deadline, formats: Formats) -> str:
    """Say until when something must be done."""
    if not (deadline.hours or deadline.days or deadline.business_days):
        return formats.say(DEADLINES_AT_ONCE[deadline.of])
    time = _time(deadline, formats)
    return formats.say("within %(time)s", time=formats.say(DEADLINES[deadline.of], time=time))


def _time(deadline: Deadline, formats: Formats) -> str:
    words = formats.words
    if deadline.hours:
        text = words.ngettext("%(num)s hour", "%(num)s hours", deadline.hours)
        return text % {"num": deadline.hours}
    if deadline.business_days:
        count = deadline.business_days
        text = words.ngettext("%(num)s working day", "%(num)s working days", count)
        return text % {"num": count}
    return words.ngettext("%(num)s day", "%(num)s days", deadline.days) % {"num": deadline.days}


def recurring_text(recurring: Recurring, formats: Formats) -> str:
    """Say when a window comes back, and how much of it is free."""
    names = get_day_names("wide", "stand-alone", locale=formats.locale)
    days = ", ".join(names[day] for day in recurring.weekdays)
    facts = {
        "days": formats.say("every day") if len(recurring.weekdays) == WEEK else days,
        "start": format_time(recurring.start, "short", locale=formats.locale),
        "end": format_time(recurring.end, "short", locale=formats.locale),
    }
    if recurring.at_most_ms is None:
        return formats.say("Downtime does not count: %(days)s, %(start)s to %(end)s.", **facts)
    most = formats.fact(Duration(recurring.at_most_ms))
    return formats.say(
        "Of downtime %(days)s, %(start)s to %(end)s, up to %(most)s do not count.",
        most=most,
        **facts,
    )
