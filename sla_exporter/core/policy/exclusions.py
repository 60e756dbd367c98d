"""Exclusions: which time does not count, by the letter of the policy.

Announced late enough, or over its budget, maintenance is downtime like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum

from sla_exporter.core.periods import PeriodKind, PeriodRule, datetime_of, wall_clock_ms
from sla_exporter.core.policy.case import Case, Exclusion, ExclusionKind
from sla_exporter.core.reasoning import Duration, Moment, Step, step
from sla_exporter.core.windows import Window, Windows, clip, tidy


class Leaves(StrEnum):
    """From where excluded time is taken out."""

    BOTH = "numerator and denominator"  # the time was never promised
    NUMERATOR = "numerator"  # it counts as up
    DENOMINATOR = "denominator"  # it was never promised, and downtime in it counts all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much maintenance is free in a period of its own; what is over it is downtime."""

    amount_ms: int
    per: PeriodKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """A window that comes back every day, or on some weekdays (Monday is 0), by the wall clock.

    Of the downtime in each occurrence, no more than ``at_most_ms`` is excluded.
    """

    start: time
    end: time
    weekdays: tuple[int, ...] = tuple(range(7))
    zone: str | None = None
    at_most_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionRule:
    """Which exclusions a policy accepts, and what they do to the calculation."""

    kinds: frozenset[ExclusionKind] = frozenset(ExclusionKind)
    announced_ms: int | None = None
    budget: Budget | None = None
    recurring: tuple[Recurring, ...] = ()
    leaves: Leaves = Leaves.BOTH


@dataclass(frozen=True, slots=True)
class Excluded:
    """The time that does not count within a span, and why."""

    windows: Windows = ()
    steps: tuple[Step, ...] = ()


_NOTHING = Excluded()


def exclude(rule: ExclusionRule, case: Case) -> Excluded:
    """Apply the rule to everything that was asked to be excluded."""
    if not case.exclusions and not rule.recurring:
        return _NOTHING
    reach = case.reach
    steps: list[Step] = []
    accepted: list[Window] = [*_recurring(rule, case)]
    spent = _Spending(rule, case)
    for exclusion in sorted(case.exclusions, key=lambda e: e.window):
        facts = _facts(exclusion, case)
        if exclusion.kind not in rule.kinds:
            steps.append(step("exclusion_not_covered", **facts))
        elif is_late(rule, exclusion):
            notice = Duration(rule.announced_ms or 0)
            steps.append(step("exclusion_announced_late", notice=notice, **facts))
        else:
            free, over = spent.take(exclusion)
            accepted.extend(free)
            if clip(free, reach):
                steps.append(step("excluded", **facts))
            if over and clip((exclusion.window,), reach):
                steps.append(step("exclusion_over_budget", over=Duration(over), **facts))
    windows = clip(tidy(accepted), reach)
    shown = tuple(s for s in steps if _touches(s, reach))
    return Excluded(windows, shown)


def is_late(rule: ExclusionRule, exclusion: Exclusion) -> bool:
    """Say whether maintenance was announced too late to be excluded."""
    if rule.announced_ms is None or exclusion.kind is not ExclusionKind.MAINTENANCE:
        return False
    announced = exclusion.announced_at_ms
    return announced is None or exclusion.window.start_ms - announced < rule.announced_ms


@dataclass(slots=True)
class _Spending:
    """Spends the budget of each of its periods in order of time."""

    rule: ExclusionRule
    case: Case
    left: dict[str, int] = field(default_factory=dict)

    def take(self, exclusion: Exclusion) -> tuple[Windows, int]:
        """Give what is free of a window, and how much of it is over the budget."""
        budget = self.rule.budget
        if budget is None or exclusion.kind is not ExclusionKind.MAINTENANCE:
            return (exclusion.window,), 0
        free: list[Window] = []
        over = 0
        for label, part in self._parts(exclusion.window, budget):
            left = self.left.get(label, budget.amount_ms)
            used = min(left, part.length_ms)
            self.left[label] = left - used
            over += part.length_ms - used
            free.append(Window(part.start_ms, part.start_ms + used))
        return tidy(free), over

    def _parts(self, window: Window, budget: Budget) -> Iterator[tuple[str, Window]]:
        rule = PeriodRule(kind=budget.per)
        at, period = window.start_ms, self.case.period
        while at < window.end_ms:
            found = rule.containing(at, period.zone, period.anchor)
            end = min(window.end_ms, found.step.end_ms)
            yield found.label, Window(at, end)
            at = end


def candidates(
    rule: ExclusionRule, stated: Iterable[Exclusion], span: Window, zone: str
) -> Windows:
    """Give the time that may be excluded at most, before the rule is asked."""
    recurring = (w for one in rule.recurring for w in _occurrences(one, span, one.zone or zone))
    return tidy((*(exclusion.window for exclusion in stated), *recurring))


def _recurring(rule: ExclusionRule, case: Case) -> Iterator[Window]:
    down = tidy(outage.window for outage in case.outages)
    for recurring in rule.recurring:
        for window in _occurrences(recurring, case.reach, recurring.zone or case.period.zone):
            yield from _up_to(recurring.at_most_ms, window, down)


def _occurrences(recurring: Recurring, span: Window, zone: str) -> Iterator[Window]:
    day = datetime_of(span.start_ms, zone).date() - timedelta(days=1)
    last = datetime_of(span.end_ms, zone).date()
    while day <= last:
        if day.weekday() in recurring.weekdays:
            until = day + timedelta(days=recurring.end <= recurring.start)
            yield Window(
                wall_clock_ms(day, recurring.start, zone), wall_clock_ms(until, recurring.end, zone)
            )
        day += timedelta(days=1)


def _up_to(most_ms: int | None, window: Window, down: Windows) -> Iterator[Window]:
    """Give the window, or only so much of the downtime in it."""
    if most_ms is None:
        yield window
        return
    left = most_ms
    for start, end in clip(down, window):
        yield Window(start, min(end, start + left))
        left -= min(left, end - start)


def _facts(exclusion: Exclusion, case: Case) -> dict[str, Moment | Duration | str]:
    zone = case.period.zone
    start, end = exclusion.window
    return {
        "kind": exclusion.kind.value,
        "start": Moment(start, zone),
        "end": Moment(end, zone),
        "length": Duration(end - start),
    }


def _touches(value: Step, span: Window) -> bool:
    start, end = value.facts["start"], value.facts["end"]
    if not isinstance(start, Moment) or not isinstance(end, Moment):
        raise TypeError(value)
    return start.at_ms < span.end_ms and end.at_ms > span.start_ms
