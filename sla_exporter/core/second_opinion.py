"""A second opinion: what somebody else saw of the same contract, held against our own measurement.

It confirms or disputes; it never measures. Monitoring services look every minute or so and from
elsewhere, so edges may differ by a tolerance, and what is shorter than that may be missed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from sla_exporter.core.alerts import widened
from sla_exporter.core.policy.exclusions import exclude
from sla_exporter.core.reasoning import Duration, Fact, Moment, step
from sla_exporter.core.settlement import Hold, State
from sla_exporter.core.windows import Windows, subtract, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.settled import Settled
    from sla_exporter.core.settlement import Settlement


class Agreement(StrEnum):
    """What a second opinion comes to."""

    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    MISSING = "missing"  # it could not be asked, or it does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """An answer; without a ``state`` there is none, and ``problem`` says why."""

    source: str
    tolerance_ms: int
    state: SeriesState | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """An opinion beside our own measurement, without the time that does not count."""

    opinion: Opinion
    ours: SeriesState
    excluded: Windows = ()

    @property
    def agreement(self) -> Agreement:
        """Say whether our downtime is confirmed."""
        if self.opinion.state is None:
            return Agreement.MISSING
        if self.disputed:
            return Agreement.DISPUTED
        counted = self._long(self._counting(self.ours.down))
        known = subtract(counted, self.opinion.state.unknown)
        return Agreement.CONFIRMED if known or not counted else Agreement.MISSING

    @property
    def disputed(self) -> Windows:
        """Give the time that one calls down and the other up."""
        if self.opinion.state is None:
            return ()
        ours, theirs = self.ours, self.opinion.state
        missing = self._beyond(self._counting(ours.down), theirs)
        added = self._beyond(self._counting(theirs.down), ours)
        return tidy((*missing, *added))

    def steps(self, zone: str) -> Iterator[Step]:
        """Tell what was said; where it is disputed, with their whole timeline beside ours."""
        facts: dict[str, Fact] = {
            "source": self.opinion.source,
            "tolerance": Duration(self.opinion.tolerance_ms),
        }
        if self.opinion.state is None:
            yield step("opinion_not_given", problem=self.opinion.problem, **facts)
            return
        yield step(f"opinion_{self.agreement.value}", **facts)
        if self.agreement is Agreement.CONFIRMED:
            return
        for code, windows in (
            ("opinion_down", self.opinion.state.down),
            ("opinion_unknown", self.opinion.state.unknown),
            ("opinion_differs", self.disputed),
        ):
            for start, end in windows:
                edges = {"start": Moment(start, zone), "end": Moment(end, zone)}
                yield step(code, length=Duration(end - start), **edges, **facts)

    def _counting(self, windows: Windows) -> Windows:
        return subtract(windows, self.excluded)

    def _long(self, windows: Windows) -> Windows:
        return tuple(w for w in windows if w.length_ms > self.opinion.tolerance_ms)

    def _beyond(self, windows: Windows, others: SeriesState) -> Windows:
        """Give what the others call up: not down within the tolerance, and not unknown."""
        covered = widened((*others.down, *others.unknown), self.opinion.tolerance_ms)
        return tuple(
            part for window in self._long(windows) for part in subtract((window,), covered)
        )


def heard(settlement: Settlement, opinion: Opinion) -> Settlement:
    """Give the settlement as it is once the opinion was heard: confirmed, or held for a person."""
    measured = settlement.outcome.measured
    excluded = exclude(measured.policy.exclusions, measured.case).windows
    comparison = Comparison(
        opinion=opinion,
        ours=settlement.evidence.state,
        excluded=tidy((*excluded, *settlement.evidence.later)),
    )
    hold = _HOLDS.get(comparison.agreement)
    steps = (*settlement.steps, *comparison.steps(settlement.period.zone))
    evidence = replace(settlement.evidence, opinion=opinion)
    if hold is None:
        return replace(settlement, evidence=evidence, steps=steps)
    is_shown_only = settlement.state is State.OBSERVED
    return replace(
        settlement,
        evidence=evidence,
        steps=(*steps, step(f"hold_{hold.value}")),
        holds=(*settlement.holds, hold),
        state=State.OBSERVED if is_shown_only else State.HELD,
    )


_HOLDS = {Agreement.DISPUTED: Hold.DISPUTED, Agreement.MISSING: Hold.UNCONFIRMED}


def heard_anew(before: Settled, after: Settled) -> Settled | None:
    """Give what waits for want of agreement as it is with the opinion that there is now.

    That may end the wait for an opinion, or dispute what nobody had an opinion of. Whatever else
    holds it goes on holding it. ``None`` is given where the opinion changes nothing.
    """
    waits_for = _HOLDS_OF_OPINIONS.intersection(before.holds)
    says = _HOLDS_OF_OPINIONS.intersection(after.holds)
    if not waits_for or waits_for == says or Hold.UNCONFIRMED in says:
        return None
    if after.state is State.OBSERVED:
        return None
    others = set(before.holds) - waits_for - set(after.holds) - {Hold.CLAIM}
    if not others:
        return after
    codes = tuple(f"hold_{hold.value}" for hold in others)
    told = (one for one in before.steps if one.code.startswith(codes))
    return replace(
        after,
        state=State.HELD,
        holds=(*after.holds, *(hold for hold in before.holds if hold in others)),
        steps=(*after.steps, *told),
        group=after.group or before.group,
    )


_HOLDS_OF_OPINIONS = frozenset(_HOLDS.values())
