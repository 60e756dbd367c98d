"""Settling: one contract and one period, from measurements to the credit, with every step kept.

Pure: the same contract, policy and windows always give the same settlement.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sla_exporter.core.availability import Availability
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.money import Money
from sla_exporter.core.reasoning import Duration, Exact, Moment, Share, step
from sla_exporter.core.windows import Window, clip

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Contract
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.periods import Period
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.quorum import Quorum
    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.samples import SeriesState


class Verdict(StrEnum):
    """Whether the promise was kept."""

    MET = "met"
    BREACHED = "breached"
    UNDECIDED = "undecided"


class State(StrEnum):
    """How far a settlement went."""

    OBSERVED = "observed"  # computed and shown; nothing sent, nothing owed
    HELD = "held"  # waits for a person
    POSTED = "posted"  # in the ledger, and the customer is told


class Hold(StrEnum):
    """Why a settlement waits for a person."""

    REVIEW = "review"
    COVERAGE = "coverage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured of one contract in one period.

    ``state`` holds within the period and the contract's life; ``interval_ms`` is the resolution of
    its edges. What lies after ``open_from_ms`` has not happened yet and counts as up.
    """

    state: SeriesState
    series: int
    interval_ms: int
    quorum: Quorum
    incidents: tuple[IncidentWindow, ...] = ()
    open_from_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The outcome for one contract and one period, and the whole reasoning behind it."""

    contract: Contract
    policy: Policy
    period: Period
    span: Window
    evidence: Evidence
    availability: Availability
    verdict: Verdict
    credit: Money
    state: State
    holds: tuple[Hold, ...]
    steps: tuple[Step, ...]

    @property
    def key(self) -> str:
        """The same contract and period always have the same key."""
        return settlement_key(self.contract.id, self.period.label)

    @property
    def owes(self) -> bool:
        """Say whether there is money to give."""
        return self.credit.minor > 0


def settlement_key(contract_id: str, period_label: str) -> str:
    """Name a settlement."""
    return f"{contract_id}/{period_label}"


def settled_span(contract: Contract, period: Period) -> Window | None:
    """Give the part of the period in which the contract ran, or ``None`` if there is none."""
    parts = clip((period.span,), contract.life(period.zone))
    return parts[0] if parts else None


def settle(
    *,
    contract: Contract,
    policy: Policy,
    period: Period,
    span: Window,
    evidence: Evidence,
    mode: Mode,
) -> Settlement:
    """Settle the span of the period in which the contract ran."""
    availability = Availability.over(span, evidence.state, policy.unknown)
    verdict = _judge(availability, policy)
    credit, credit_steps = _credit(contract, policy, availability, verdict)
    holds = _holds(availability, policy, verdict, credit, mode)
    steps = (
        *_measured(contract, policy, period, span, evidence),
        *_compared(availability, policy, verdict),
        *credit_steps,
        *(step(f"hold_{hold.value}", **_hold_facts(hold, availability, policy)) for hold in holds),
    )
    return Settlement(
        contract=contract,
        policy=policy,
        period=period,
        span=span,
        evidence=evidence,
        availability=availability,
        verdict=verdict,
        credit=credit,
        state=_state(mode, holds),
        holds=holds,
        steps=steps,
    )


def _judge(availability: Availability, policy: Policy) -> Verdict:
    ratio = availability.ratio
    if ratio is None:
        return Verdict.UNDECIDED
    return Verdict.MET if ratio >= policy.objective.value else Verdict.BREACHED


def _holds(
    availability: Availability, policy: Policy, verdict: Verdict, credit: Money, mode: Mode
) -> tuple[Hold, ...]:
    holds: list[Hold] = []
    if availability.coverage < policy.min_coverage.value or verdict is Verdict.UNDECIDED:
        holds.append(Hold.COVERAGE)
    if mode is Mode.REVIEW and credit.minor:
        holds.append(Hold.REVIEW)
    return tuple(holds)


def _state(mode: Mode, holds: tuple[Hold, ...]) -> State:
    if mode is Mode.OBSERVE:
        return State.OBSERVED
    return State.HELD if holds else State.POSTED


def _hold_facts(hold: Hold, availability: Availability, policy: Policy) -> dict[str, Share]:
    if hold is Hold.COVERAGE:
        return {"coverage": Share(availability.coverage), "minimum": policy.min_coverage}
    return {}


def _measured(
    contract: Contract, policy: Policy, period: Period, span: Window, evidence: Evidence
) -> list[Step]:
    def moment(at_ms: int) -> Moment:
        return Moment(at_ms, period.zone)

    def stretch(code: str, window: Window, **facts: str) -> Step:
        start, end = window
        length = Duration(window.length_ms)
        return step(code, start=moment(start), end=moment(end), length=length, **facts)

    steps = [stretch("period", period.span, label=period.label, zone=period.zone)]
    if span != period.span:
        steps.append(stretch("life", span))
    if evidence.open_from_ms is not None:
        steps.append(stretch("open", Window(evidence.open_from_ms, span.end_ms)))
    steps.append(_instruments(contract, evidence))
    steps.extend(stretch("outage", window) for window in evidence.state.down)
    steps.extend(
        stretch(f"unknown_{policy.unknown.value}", window) for window in evidence.state.unknown
    )
    steps.extend(
        stretch("incident", clip((incident.window,), span)[0], alert=incident.name)
        for incident in evidence.incidents
    )
    return steps


def _instruments(contract: Contract, evidence: Evidence) -> Step:
    service, interval = contract.service, Duration(evidence.interval_ms)
    if not evidence.series:
        return step("not_measured", service=service)
    if evidence.series == 1:
        return step("measured_by_one", service=service, interval=interval)
    quorum = evidence.quorum.at_least or "all"
    return step(
        "measured_by_many",
        service=service,
        series=evidence.series,
        interval=interval,
        quorum=quorum,
    )


def _compared(availability: Availability, policy: Policy, verdict: Verdict) -> list[Step]:
    ratio = availability.ratio
    if ratio is None:
        return [step("nothing_counted")]
    return [
        step(
            "availability",
            up=Duration(availability.up_ms),
            counted=Duration(availability.counted_ms),
            down=Duration(availability.counted_ms - availability.up_ms),
            ratio=Share(ratio),
        ),
        step(f"objective_{verdict.value}", objective=policy.objective),
    ]


def _credit(
    contract: Contract, policy: Policy, availability: Availability, verdict: Verdict
) -> tuple[Money, list[Step]]:
    fee = contract.fee
    nothing = Money(minor=0, currency=fee.currency)
    if verdict is not Verdict.BREACHED:
        return nothing, []
    award = policy.credit.award(availability)
    steps = list(award.steps)
    if not award.share.value:
        return nothing, steps
    exact = award.share.value * fee.minor
    steps.append(
        step("share_of_fee", share=award.share, fee=fee, amount=Exact(exact, fee.currency))
    )
    if policy.cap and award.share.value > policy.cap.value:
        exact = policy.cap.value * fee.minor
        steps.append(step("capped", cap=policy.cap, amount=Exact(exact, fee.currency)))
    credit = fee.rounded_to(exact, policy.rounding)
    if exact.denominator != 1:
        steps.append(step("rounded", mode=policy.rounding.value, credit=credit))
    if policy.minimum and not policy.minimum.is_reached_by(credit):
        code = "not_over_minimum" if policy.minimum.strict else "under_minimum"
        steps.append(step(code, credit=credit, minimum=policy.minimum.money))
        return nothing, steps
    return credit, steps
