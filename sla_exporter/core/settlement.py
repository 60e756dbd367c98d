"""Settling: one contract and one period, from measurements to the credit, with every step kept.

Pure: the same contract, policy and evidence always give the same settlement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from sla_exporter.core.alerts import AlertRules
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.claims import judge, with_claims
from sla_exporter.core.evidence_steps import EvidenceSteps
from sla_exporter.core.exclusions import for_policy
from sla_exporter.core.instruments import disagreed, instruments
from sla_exporter.core.periods import midnight_ms
from sla_exporter.core.policy.case import Case, Outage
from sla_exporter.core.policy.claim import ClaimState
from sla_exporter.core.policy.engine import Outcome, evaluate
from sla_exporter.core.policy.exclusions import candidates
from sla_exporter.core.reasoning import Duration, Moment, Share, step
from sla_exporter.core.samples import UP
from sla_exporter.core.windows import Window, clip, reaching_back, total_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.affected import Partial
    from sla_exporter.core.catalogue import Contract
    from sla_exporter.core.claims import JudgedClaim, StatedClaim
    from sla_exporter.core.exclusions import StatedExclusion
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.money import Money
    from sla_exporter.core.periods import Period
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.quorum import Quorum
    from sla_exporter.core.reasoning import Fact, Step
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.second_opinion import Opinion
    from sla_exporter.core.sli.counts import EventCount
    from sla_exporter.core.sli.events import Slot
    from sla_exporter.core.sli.kinds import Sli
    from sla_exporter.core.windows import Windows


class Verdict(StrEnum):
    """Whether the promise was kept."""

    MET = "met"
    BREACHED = "breached"
    UNDECIDED = "undecided"


class State(StrEnum):
    """How far a settlement went."""

    OBSERVED = "observed"  # computed and shown; nothing sent, nothing owed
    HELD = "held"  # waits for a person
    WAITING = "waiting"  # waits for its customer, who was told how to claim it
    POSTED = "posted"  # in the ledger, and the customer is told
    REJECTED = "rejected"  # a person decided that nothing is given
    LAPSED = "lapsed"  # nobody claimed it in time


class Hold(StrEnum):
    """Why a settlement waits for a person."""

    COVERAGE = "coverage"
    RETENTION = "retention"
    UNDECIDED = "undecided"
    CLAIM = "claim"  # by itself this holds nothing for a person: the customer is told instead
    STATED = "stated"  # more is due by what the customer says than was settled
    REVIEW = "review"
    DISPUTED = "disputed"  # a second opinion disagrees
    UNCONFIRMED = "unconfirmed"  # there is no second opinion
    FLEET = "fleet"
    SIZE = "size"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one contract in one period.

    ``state`` is what counts, within the period and the contract's life, and ``measured`` what was
    measured; they differ where alerts have a say. ``interval_ms`` is the resolution of the edges.
    What lies after ``open_from_ms`` has not happened yet and counts as up. Exclusions may lie
    before the period: they use up a yearly budget. ``affected`` is the downtime with the share that
    it hit; ``slots`` and ``events`` are what was counted where events are measured.
    ``disagreements`` is when vantage points were down without their quorum, ``unread`` the time
    whose samples were deleted before they were read, ``later`` the downtime that a later period
    counts, where outages count as a whole.
    """

    state: SeriesState
    series: int
    interval_ms: int
    quorum: Quorum
    incidents: tuple[IncidentWindow, ...] = ()
    open_from_ms: int | None = None
    sli: Sli | None = None
    slots: tuple[Slot, ...] = ()
    events: EventCount | None = None
    affected: tuple[Partial, ...] = ()
    disagreements: Windows = ()
    unread: Windows = ()
    later: Windows = ()

    exclusions: tuple[StatedExclusion, ...] = ()
    alerts: AlertRules = AlertRules()
    has_alerts: bool = False
    measured: SeriesState = UP
    opinion: Opinion | None = None

    @property
    def outages(self) -> tuple[Outage, ...]:
        """The downtime as policies see it."""
        if self.affected:
            return tuple(Outage(window=w, affected=share) for w, share in self.affected)
        return tuple(Outage(window=window) for window in self.state.down)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What earlier periods of the same contract hand on to this one; see :class:`Case`."""

    carried: Money | None = None
    granted_before: Money | None = None
    breached_before: tuple[bool, ...] = ()


NO_HISTORY = History()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The outcome for one contract and one period, and the whole reasoning behind it.

    Those that a brake holds for one and the same cause share its ``group``. ``claims`` is what came
    of claims that were made before there was anything to claim.
    """

    contract: Contract
    policy: Policy
    period: Period
    span: Window
    evidence: Evidence
    outcome: Outcome
    verdict: Verdict
    state: State
    holds: tuple[Hold, ...]
    steps: tuple[Step, ...]
    group: str = ""
    claims: tuple[JudgedClaim, ...] = ()

    @property
    def key(self) -> str:
        """The same contract and period always have the same key."""
        return settlement_key(self.contract, self.period)

    @property
    def reach(self) -> Window:
        """The span, and the time before it in which its outages began."""
        return reaching_back(self.span, self.evidence.state.down)

    @property
    def credit(self) -> Money:
        """What is owed in money."""
        return self.outcome.credit

    @property
    def owes(self) -> bool:
        """Say whether there is anything to give, in whatever form."""
        return self.outcome.owes

    @property
    def moves(self) -> bool:
        """Say whether posting it writes anything in the ledger."""
        return self.owes or self.outcome.carried is not None

    def held_for(self, hold: Hold, reason: Step, group: str = "") -> Settlement:
        """Give it as held for one more reason."""
        return replace(
            self,
            state=State.HELD,
            holds=(*self.holds, hold),
            steps=(*self.steps, reason),
            group=self.group or group,
        )


def settlement_key(contract: Contract, period: Period) -> str:
    """Name the settlement of a contract and period."""
    return f"{contract.id}/{period.label}"


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
    history: History = NO_HISTORY,
    claims: Sequence[StatedClaim] = (),
) -> Settlement:
    """Settle the span of the period in which the contract ran, with what was claimed so far."""
    case = Case(
        contract=contract,
        period=period,
        span=span,
        outages=evidence.outages,
        unknown=evidence.state.unknown,
        events=_events(policy, evidence, span, period.zone),
        exclusions=for_policy(evidence.exclusions),
        carried=history.carried,
        granted_before=history.granted_before,
        breached_before=history.breached_before,
    )
    judged = [judge(policy, case, one) for one in claims]
    outcome = evaluate(policy, with_claims(policy, case, judged))
    holds = _holds(outcome, evidence, mode)
    steps = (
        *_measured(contract, policy, period, span, evidence),
        *(reason for one in judged for reason in one.reasons),
        *outcome.steps,
        *outcome.flags,
        *(_hold_step(hold, outcome, evidence) for hold in holds),
    )
    return Settlement(
        contract=contract,
        policy=policy,
        period=period,
        span=span,
        evidence=evidence,
        outcome=outcome,
        verdict=verdict_of(outcome),
        state=_state(mode, holds),
        holds=holds,
        steps=steps,
        claims=tuple(one for one in judged if one.stated.key),
    )


def _events(policy: Policy, evidence: Evidence, span: Window, zone: str) -> EventCount | None:
    """Name those of the counted slots that may be excluded; the rest is a sum."""
    if evidence.events is None:
        return None
    stated = for_policy(evidence.exclusions)
    return evidence.events.setting_apart(
        evidence.slots, candidates(policy.exclusions, stated, span, zone)
    )


def verdict_of(outcome: Outcome) -> Verdict:
    """Say whether the promise was kept."""
    if outcome.measured.ratio is None:
        return Verdict.UNDECIDED
    return Verdict.BREACHED if outcome.breached else Verdict.MET


def _holds(outcome: Outcome, evidence: Evidence, mode: Mode) -> tuple[Hold, ...]:
    measured = outcome.measured
    holds: list[Hold] = []
    too_little = measured.coverage < measured.policy.downtime.min_coverage.value
    if too_little or measured.ratio is None:
        holds.append(Hold.COVERAGE)
    if evidence.unread:
        holds.append(Hold.RETENTION)
    if outcome.flags:
        holds.append(Hold.UNDECIDED)
    if outcome.claim is ClaimState.NEEDED and outcome.owes:
        holds.append(Hold.CLAIM)
    if mode is Mode.REVIEW and outcome.owes:
        holds.append(Hold.REVIEW)
    return tuple(holds)


def _state(mode: Mode, holds: tuple[Hold, ...]) -> State:
    if mode is Mode.OBSERVE:
        return State.OBSERVED
    if holds == (Hold.CLAIM,):
        return State.WAITING
    return State.HELD if holds else State.POSTED


def _hold_step(hold: Hold, outcome: Outcome, evidence: Evidence) -> Step:
    if hold is Hold.RETENTION:
        return step("hold_retention", length=Duration(total_ms(evidence.unread)))
    if hold is not Hold.COVERAGE:
        return step(f"hold_{hold.value}")
    needed = outcome.measured.policy.downtime.min_coverage
    return step("hold_coverage", coverage=Share(outcome.measured.coverage), minimum=needed)


def _measured(
    contract: Contract, policy: Policy, period: Period, span: Window, evidence: Evidence
) -> list[Step]:
    def moment(at_ms: int) -> Moment:
        return Moment(at_ms, period.zone)

    def stretch(code: str, window: Window, **facts: Fact) -> Step:
        start, end = window
        length = Duration(window.length_ms)
        return step(code, start=moment(start), end=moment(end), length=length, **facts)

    steps = [stretch("period", period.span, label=period.label, zone=period.zone)]
    if span != period.span:
        steps.append(stretch("life", span))
    steps.extend(_price_changes(contract, period, span))
    if evidence.open_from_ms is not None:
        steps.append(stretch("open", Window(evidence.open_from_ms, span.end_ms)))
    steps.extend(instruments(contract.service, evidence))
    for window, share in evidence.affected:
        if share < 1:
            steps.append(stretch("outage_partial", window, share=Share(share)))
        else:
            steps.append(stretch("outage", window))
    if not evidence.affected:
        steps.extend(stretch("outage", window) for window in evidence.state.down)
    if evidence.disagreements:
        steps.append(disagreed(evidence))
    unknown = f"unknown_{policy.downtime.unknown.value}"
    steps.extend(stretch(unknown, window) for window in evidence.state.unknown)
    reach = reaching_back(span, evidence.state.down)
    steps.extend(EvidenceSteps(evidence=evidence, span=reach, zone=period.zone).all())
    return steps


def _price_changes(contract: Contract, period: Period, span: Window) -> list[Step]:
    changes = [(midnight_ms(day, period.zone), fee) for day, fee in contract.price_changes]
    return [
        step("price_change", at=Moment(at_ms, period.zone), fee=fee)
        for at_ms, fee in changes
        if span.start_ms < at_ms < span.end_ms
    ]
