"""Measuring a case by a policy: availability, and the downtime that its formulas get to see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.money import round_fraction
from sla_exporter.core.periods import DAY_MS
from sla_exporter.core.policy.case import Outage
from sla_exporter.core.policy.downtime import Counted, Unknown, count_downtime
from sla_exporter.core.policy.exclusions import Leaves, exclude
from sla_exporter.core.policy.shares import Shares, share_of_events
from sla_exporter.core.reasoning import Duration, Share, Step, step
from sla_exporter.core.windows import clip, subtract, total_ms

if TYPE_CHECKING:
    from sla_exporter.core.policy.case import Case
    from sla_exporter.core.policy.exclusions import Excluded
    from sla_exporter.core.policy.terms import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A case, measured by a policy.

    ``ratio`` is ``up`` to ``counted`` (both in milliseconds, possibly fractions where partial
    outages are weighted); ``None`` where nothing counts. ``outages`` are what formulas see: with an
    allowance that is deducted, they are what is left of the downtime behind it. ``share`` is the
    availability where it was measured as a share of items rather than of time.
    """

    policy: Policy
    case: Case
    counted_ms: int | Fraction
    down_ms: int | Fraction
    unknown_ms: int
    excluded_ms: int
    ratio: Fraction | None
    outages: tuple[Counted, ...]
    share: Fraction | None = None
    steps: tuple[Step, ...] = ()

    @property
    def downtime_ms(self) -> int | Fraction:
        """What formulas see of the downtime, together."""
        return sum(outage.ms for outage in self.outages)

    @property
    def nothing_missed(self) -> bool:
        """Say whether, without an objective, there was no outage to pay for."""
        perfect = self.share is None or self.share == 1
        return self.policy.objective is None and not self.outages and perfect

    @property
    def fee(self) -> Fraction:
        """What the service costs in minor units; each price of the span for its part of it."""
        return self.case.contract.fee_over(self.case.span, self.case.period.zone)

    @property
    def fee_covers_ms(self) -> int:
        """How much time the fee pays for."""
        return self.policy.fee_covers_ms or self.case.period.span.length_ms

    @property
    def promised_ms(self) -> int:
        """How long the period is without what is excluded from it."""
        return self.case.period.span.length_ms - self.excluded_ms

    @property
    def fee_covers_days(self) -> Fraction:
        """The same in days; a day on which clocks change is a day like any other."""
        if self.policy.fee_covers_ms is not None:
            return Fraction(self.policy.fee_covers_ms, DAY_MS)
        return Fraction(round(Fraction(self.case.period.span.length_ms, DAY_MS)))

    @property
    def coverage(self) -> Fraction:
        """Which share of the span was measured at all."""
        length = self.case.span.length_ms
        return Fraction(length - self.unknown_ms, length) if length else Fraction(0)


def measure(policy: Policy, case: Case) -> Measured:
    """Measure a case: exclusions first, then downtime, then the ratio, then the allowance."""
    if policy.downtime.unknown is Unknown.DOWN:
        down = tuple(Outage(window=window) for window in case.unknown)
        case = replace(case, outages=(*case.outages, *down))
    excluded = exclude(policy.exclusions, case)
    forgiven = () if policy.exclusions.leaves is Leaves.DENOMINATOR else excluded.windows
    outages, steps = count_downtime(policy.downtime, case, forgiven)
    unknown_ms = total_ms(subtract(case.unknown, excluded.windows)) if case.unknown else 0
    down_ms = sum(outage.ms for outage in outages)
    excluded_ms = total_ms(clip(excluded.windows, case.span))
    counted_ms = _denominator(policy, case, excluded_ms, unknown_ms)
    shares = _shares(policy, case, excluded)
    ratio = _ratio(policy, shares, counted_ms, down_ms)
    allowance = policy.grace.allowance_ms(policy.objective, counted_ms)
    if allowance:
        outages = _beyond(allowance, outages)
        left = sum(outage.ms for outage in outages)
        facts = {"allowance": Duration(_whole(allowance)), "left": Duration(_whole(left))}
        steps.append(step("allowance_deducted", **facts))
    return Measured(
        policy=policy,
        case=case,
        counted_ms=counted_ms,
        down_ms=down_ms,
        unknown_ms=unknown_ms,
        excluded_ms=excluded_ms,
        ratio=ratio,
        outages=tuple(outages),
        share=shares.ratio if shares else None,
        steps=(*excluded.steps, *(shares.steps if shares else ()), *steps),
    )


def _denominator(policy: Policy, case: Case, excluded_ms: int, unknown_ms: int) -> int:
    if policy.denominator_ms is not None:
        total = policy.denominator_ms
    elif policy.whole_period:
        total = case.period.span.length_ms
    else:
        total = case.span.length_ms
    if policy.exclusions.leaves is not Leaves.NUMERATOR:
        total -= excluded_ms
    if policy.downtime.unknown is Unknown.EXCLUDE:
        total -= unknown_ms
    return max(total, 0)


def _shares(policy: Policy, case: Case, excluded: Excluded) -> Shares | None:
    """Give the availability that is a share of items, if it is one."""
    if case.events is not None:
        return share_of_events(case.events, excluded.windows, policy.exclusions.leaves)
    return Shares(case.ratio) if case.ratio is not None else None


def _ratio(
    policy: Policy, shares: Shares | None, counted_ms: int, down_ms: int | Fraction
) -> Fraction | None:
    if shares is not None:
        ratio = shares.ratio
    elif counted_ms:
        ratio = Fraction(max(counted_ms - down_ms, 0)) / counted_ms
    else:
        ratio = None
    if ratio is None or policy.availability_decimals is None:
        return ratio
    factor = 10 ** (policy.availability_decimals + 2)
    return Fraction(round_fraction(ratio * factor, policy.rounding), factor)


def _beyond(allowance: int | Fraction, outages: list[Counted]) -> list[Counted]:
    """Use the allowance up in order of time, and give what is left of the outages."""
    left = allowance
    found: list[Counted] = []
    for outage in outages:
        used = min(left, outage.ms)
        left -= used
        if outage.ms > used:
            found.append(Counted(outage.window, outage.ms - used))
    return found


def _whole(ms: int | Fraction) -> int:
    """Cut to whole milliseconds, for showing."""
    return int(ms)


def availability_step(measured: Measured) -> Step:
    """Tell how the availability came about."""
    ratio = measured.ratio
    if ratio is None:
        return step("nothing_counted")
    if measured.share is not None:
        return step("availability_given", ratio=Share(ratio))
    return step(
        "availability",
        counted=Duration(_whole(measured.counted_ms)),
        down=Duration(_whole(measured.down_ms)),
        up=Duration(_whole(measured.counted_ms - measured.down_ms)),
        ratio=Share(ratio),
    )
