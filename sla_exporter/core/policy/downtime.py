"""Downtime, as the policy counts it: when the clock starts, what is too short, in which units.

Parallel outages are a union and never a sum; of partial ones, the worst of a moment counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from sla_exporter.core.policy.case import ONE, Case
from sla_exporter.core.reasoning import Duration, Moment, Share, Step, step
from sla_exporter.core.windows import Window, Windows, clip, subtract, tidy, total_ms

MINUTE_MS = 60_000


class Unknown(StrEnum):
    """How time without measurements counts."""

    EXCLUDE = "exclude"
    UP = "up"
    DOWN = "down"


class Starts(StrEnum):
    """When the clock of an outage starts."""

    MONITOR = "monitor"  # when monitoring saw it
    REPORT = "report"  # when the customer reported it; unreported outages do not count


class Counts(StrEnum):
    """What counts of an outage that is long enough."""

    WHOLE = "whole"
    EXCESS = "excess"  # only what is over the limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Time is cut into slots from the start of the period, and each is down or up as a whole.

    With ``whole``, a slot is down if all of it was; otherwise if any of it was.
    """

    length_ms: int
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """What a partial outage counts: its share (``weighted``), or all of it if over a threshold."""

    weighted: bool = False
    over: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DowntimeRule:
    """What counts as downtime."""

    unit: str = "exact"  # or "whole minutes": each outage is cut to full minutes
    slots: Slots | None = None
    longer_than_ms: int | None = None
    at_least_ms: int | None = None
    counts: Counts = Counts.WHOLE
    starts: Starts = Starts.MONITOR
    affected: Affected = Affected()
    unknown: Unknown = Unknown.EXCLUDE
    min_coverage: Share = Share(Fraction(95, 100))

    @property
    def shortest_ms(self) -> int:
        """The limit under which an outage does not count."""
        return self.longer_than_ms or self.at_least_ms or 0


@dataclass(frozen=True, slots=True)
class Counted:
    """An outage as it counts: ``ms`` may be less than its window, and is weighted by its share."""

    window: Window
    ms: int | Fraction


def count_downtime(
    rule: DowntimeRule, case: Case, excluded: Windows
) -> tuple[list[Counted], list[Step]]:
    """Count the outages of a case, without the excluded time, in order of time."""
    steps: list[Step] = []
    weighted: list[tuple[Window, Fraction]] = _disjoint(_relevant(rule, case, steps))
    if excluded:
        weighted = [
            (window, affected)
            for piece, affected in weighted
            for window in subtract((piece,), excluded)
        ]
    if rule.slots:
        return _in_slots(rule.slots, weighted, case), steps
    if rule.shortest_ms:
        weighted = _long_enough(rule, weighted, case, steps)
    counted = [Counted(window, _length(rule, window, affected)) for window, affected in weighted]
    return [one for one in counted if one.ms], steps


def _relevant(
    rule: DowntimeRule, case: Case, steps: list[Step]
) -> Iterator[tuple[Window, Fraction]]:
    """Give the outages that count at all, from when their clock starts, within the span."""
    for outage in case.outages:
        start, end = outage.window
        if rule.starts is Starts.REPORT:
            reported = outage.reported_at_ms
            if reported is None or reported >= end:
                steps.append(step("not_reported", start=Moment(start, case.period.zone)))
                continue
            if reported > start:
                steps.append(step("clock_from_report", at=Moment(reported, case.period.zone)))
                start = reported
        threshold = rule.affected.over
        if threshold is not None and outage.affected <= threshold.value:
            share, limit = Share(outage.affected), threshold
            steps.append(step("too_few_affected", share=share, limit=limit))
            continue
        affected = outage.affected if rule.affected.weighted else ONE
        window = outage.window if start == outage.window.start_ms else Window(start, end)
        if case.is_by_incident:
            yield window, affected
        elif start < case.span.end_ms and end > case.span.start_ms:
            yield clip((window,), case.span)[0], affected


def _disjoint(outages: Iterable[tuple[Window, Fraction]]) -> list[tuple[Window, Fraction]]:
    """Join what is parallel; where shares differ, the largest one of a moment counts."""
    known = list(outages)
    if all(affected is ONE for _, affected in known):
        return [(window, ONE) for window in tidy(window for window, _ in known)]
    edges = sorted({edge for window, _ in known for edge in window})
    pieces: list[tuple[Window, Fraction]] = []
    for start, end in pairwise(edges):
        shares = [share for window, share in known if window.start_ms <= start < window.end_ms]
        if not shares or not max(shares):
            continue
        share = max(shares)
        if pieces and pieces[-1][0].end_ms == start and pieces[-1][1] == share:
            pieces[-1] = (Window(pieces[-1][0].start_ms, end), share)
        else:
            pieces.append((Window(start, end), share))
    return pieces


def _long_enough(
    rule: DowntimeRule, pieces: list[tuple[Window, Fraction]], case: Case, steps: list[Step]
) -> list[tuple[Window, Fraction]]:
    """Drop outages that are too short; consecutive pieces are one outage."""
    kept: list[tuple[Window, Fraction]] = []
    for run in tidy(window for window, _ in pieces):
        length, limit = run.length_ms, rule.shortest_ms
        if length < limit or (rule.longer_than_ms and length == limit):
            start, zone = run.start_ms, case.period.zone
            facts = {"length": Duration(length), "limit": Duration(limit)}
            steps.append(step("too_short", start=Moment(start, zone), **facts))
            continue
        first = run.start_ms + (limit if rule.counts is Counts.EXCESS else 0)
        counting = Window(first, run.end_ms)
        kept.extend((part, share) for window, share in pieces for part in clip((window,), counting))
    return kept


def _length(rule: DowntimeRule, window: Window, affected: Fraction) -> int | Fraction:
    length = window.length_ms
    if rule.unit == "whole minutes":
        length -= length % MINUTE_MS
    return length if affected is ONE else length * affected


def _in_slots(slots: Slots, pieces: list[tuple[Window, Fraction]], case: Case) -> list[Counted]:
    """Count slots that are down, joined where they touch."""
    origin, length = case.period.span.start_ms, slots.length_ms
    down: dict[int, Fraction] = {}
    for window, affected in pieces:
        first, last = (window.start_ms - origin) // length, -((origin - window.end_ms) // length)
        for number in range(first, last):
            slot = Window(origin + number * length, origin + (number + 1) * length)
            covered = total_ms(clip((window,), slot)) == length
            if covered or not slots.whole:
                down[number] = max(affected, down.get(number, Fraction(0)))
    runs = tidy((origin + n * length, origin + (n + 1) * length) for n in down)
    return [
        Counted(
            run,
            length
            * sum(down[n] for n in range((run[0] - origin) // length, (run[1] - origin) // length)),
        )
        for run in runs
    ]
