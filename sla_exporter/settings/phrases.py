"""Phrases of the policy language: ``trailing 365 days``, ``48h before``, ``10% of renewal fee``."""

from __future__ import annotations

import calendar
import re
from datetime import time
from fractions import Fraction

from sla_exporter.core.periods import PeriodKind, PeriodRule
from sla_exporter.core.policy.claim import Deadline
from sla_exporter.core.policy.downtime import Affected
from sla_exporter.core.policy.exclusions import Budget, Recurring
from sla_exporter.core.policy.pay import TERMINATION, Base, Pay, Unit
from sla_exporter.core.policy.terms import Grace, GraceKind, Objective
from sla_exporter.core.reasoning import Share
from sla_exporter.settings.quantities import parse_duration, parse_money, parse_percent

MONTHS = [name.lower() for name in calendar.month_name[1:]]
WEEKDAYS = [name.lower() for name in calendar.day_name]

_FRACTION = re.compile(r"(\d+)\s*/\s*(\d+)")
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(hour|day|month)s?(?: of service)?")
_PERIOD_OF_DAYS = re.compile(r"(trailing|rolling|cycle of) (\d+) days?")
_PERIOD_FROM = re.compile(r"(?:fiscal )?(quarter|year) from (\w+)")
_NAMED_PERIODS = {
    "calendar month": PeriodKind.MONTH,
    "billing month": PeriodKind.BILLING_MONTH,
    "calendar quarter": PeriodKind.QUARTER,
    "calendar year": PeriodKind.YEAR,
    "incident": PeriodKind.INCIDENT,
}
_BUDGET_PERIODS = {
    "month": PeriodKind.MONTH,
    "quarter": PeriodKind.QUARTER,
    "year": PeriodKind.YEAR,
}
_RECURRING = re.compile(r"(daily|[a-z, ]+day) (\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)(?: at most (.+))?")
_WITHIN = re.compile(r"(\d+)\s*(h|hours?|days?|business days?)")


def parse_pay(text: str) -> Pay:
    """Read ``10%``, ``1/30 of fee``, ``EUR 5.00``, ``3 days``, ``12 hours of service``.

    A share may name its base: ``10% of renewal fee``.
    """
    wanted = " ".join(text.split())
    if wanted == "right to terminate":
        return TERMINATION
    amount, _, base = wanted.partition(" of ")
    if amount.endswith("%") or _FRACTION.fullmatch(amount):
        return Pay(Unit.SHARE, _share(amount), of=_base(base) if base else None)
    found = _TIME.fullmatch(wanted)
    if found:
        return Pay(Unit(f"{found[2]}s"), Fraction(found[1]))
    try:
        money = parse_money(wanted)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a credit; write it as in 10%, 1/30 of fee, EUR 5.00, 3 days, "
            "12 hours of service, 1 month or right to terminate"
        ) from None
    return Pay(Unit.MONEY, Fraction(money.minor), money.currency)


def _share(text: str) -> Fraction:
    found = _FRACTION.fullmatch(text)
    if not found:
        return parse_percent(text).value
    if not int(found[2]):
        raise ValueError(f"{text!r} divides by zero")
    return Fraction(int(found[1]), int(found[2]))


def _base(text: str) -> Base | None:
    if text in {"fee", "the fee"}:
        return None
    try:
        return Base(text)
    except ValueError:
        names = ", ".join(base.value for base in Base)
        raise ValueError(f"{text!r} is not an amount of a contract; there are: {names}") from None


def parse_objective(text: str) -> Objective:
    """Read ``99.95%``, or ``over 99.9%`` where reaching it exactly is not enough."""
    over = text.startswith("over ")
    share = parse_percent(text.removeprefix("over "))
    if not 0 < share.value <= 1:
        raise ValueError("an objective lies between 0% and 100%")
    return Objective(share=share, over=over)


def parse_period(text: str) -> PeriodRule:
    """Read ``calendar month``, ``quarter from February``, ``trailing 365 days`` and others."""
    wanted = " ".join(text.replace("_", " ").split())
    if wanted in _NAMED_PERIODS:
        return PeriodRule(kind=_NAMED_PERIODS[wanted])
    if found := _PERIOD_OF_DAYS.fullmatch(wanted):
        kind = PeriodKind.CYCLE if found[1] == "cycle of" else PeriodKind.TRAILING
        if int(found[2]):
            return PeriodRule(kind=kind, days=int(found[2]))
    if (found := _PERIOD_FROM.fullmatch(wanted)) and found[2].lower() in MONTHS:
        first = MONTHS.index(found[2].lower()) + 1
        return PeriodRule(kind=PeriodKind(found[1]), first_month=first)
    known = ", ".join(_NAMED_PERIODS)
    raise ValueError(
        f"{text!r} is not a period; there are: {known}, quarter from February, year from July, "
        "trailing 365 days, cycle of 30 days"
    )


def parse_notice(text: str) -> int:
    """Read ``48h before`` as milliseconds."""
    if not text.endswith(" before"):
        raise ValueError(f"{text!r} is not a notice; write it as in 48h before")
    return parse_duration(text.removesuffix(" before")).ms


def parse_budget(text: str) -> Budget:
    """Read ``4h per month``."""
    amount, _, period = text.partition(" per ")
    if period not in _BUDGET_PERIODS:
        raise ValueError(f"{text!r} is not a budget; write it as in 4h per month, quarter or year")
    return Budget(amount_ms=parse_duration(amount).ms, per=_BUDGET_PERIODS[period])


def parse_recurring(text: str) -> Recurring:
    """Read ``daily 02:00-05:00``, ``sunday 01:00-06:00``, ``daily 04:00-06:00 at most 10m``."""
    found = _RECURRING.fullmatch(text.strip().lower())
    days: list[int] = []
    if found:
        named = re.split(r"[, ]+", found[1])
        days = [WEEKDAYS.index(day) for day in named if day in WEEKDAYS]
        if found[1] == "daily":
            days = list(range(7))
        elif len(days) != len(named):
            found = None
    if not found:
        raise ValueError(
            f"{text!r} is not a recurring window; write it as in daily 02:00-05:00 or "
            "saturday, sunday 01:00-06:00"
        )
    try:
        start, end = time(int(found[2]), int(found[3])), time(int(found[4]), int(found[5]))
    except ValueError:
        raise ValueError(f"{text!r} names a time that there is not") from None
    most = parse_duration(found[6]).ms if found[6] else None
    return Recurring(start=start, end=end, weekdays=tuple(days), at_most_ms=most)


def parse_grace(text: str) -> Grace:
    """Read ``gate``, ``deductible``, ``first 45m deductible`` or ``gate of 45m``."""
    if text in {"gate", "deductible"}:
        return Grace(kind=GraceKind(text))
    if text.startswith("first ") and text.endswith(" deductible"):
        length = parse_duration(text.removeprefix("first ").removesuffix(" deductible")).ms
        return Grace(kind=GraceKind.DEDUCTIBLE, length_ms=length)
    if text.startswith("gate of "):
        return Grace(kind=GraceKind.GATE, length_ms=parse_duration(text[8:]).ms)
    raise ValueError(
        f"{text!r} is not a grace; write gate, deductible, first 45m deductible or gate of 45m"
    )


def parse_affected(text: str) -> Affected:
    """Read ``fully``, ``weighted``, or ``over 5%``."""
    if text in {"fully", "weighted"}:
        return Affected(weighted=text == "weighted")
    if text.startswith("over "):
        return Affected(over=Share(parse_percent(text[5:]).value))
    raise ValueError(f"{text!r} is not one of: fully, weighted, or as in over 5%")


def parse_within(text: str) -> Deadline:
    """Read ``60 days``, ``5 business days`` or ``24h``; what it counts from stands elsewhere."""
    found = _WITHIN.fullmatch(" ".join(text.split()))
    if not found:
        raise ValueError(
            f"{text!r} is not a deadline; write it as in 60 days, 5 business days or 24h"
        )
    count, unit = int(found[1]), found[2]
    if unit.startswith("h"):
        return Deadline(hours=count)
    return Deadline(business_days=count) if unit.startswith("b") else Deadline(days=count)
