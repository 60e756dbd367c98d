"""Claiming: what a claim does to a settlement that is there already.

The credit is what was computed, released and told when the period was settled; the claim only sets
it free. Where a claim makes more due than that, such as a ticket that nobody knew of, no brake has
seen the figure, and a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sla_exporter.core.claims import ClaimResult, JudgedClaim, judge, with_claims
from sla_exporter.core.policy.claim import ClaimState
from sla_exporter.core.policy.downtime import Starts
from sla_exporter.core.policy.engine import evaluate
from sla_exporter.core.reasoning import Moment, step
from sla_exporter.core.settlement import Hold, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.claims import StatedClaim
    from sla_exporter.core.policy.case import Case
    from sla_exporter.core.policy.engine import Outcome
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.settled import Settled


ALREADY_MADE = step("claim_duplicate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What becomes of a claim; if it is accepted, also what the settlement and its case become."""

    judged: JudgedClaim
    settled: Settled | None = None
    case: Case | None = None


def can_be_claimed(policy: Policy) -> bool:
    """Say whether a claim can make anything due under a policy."""
    return policy.claim is not None or policy.downtime.starts is Starts.REPORT


def rule(settled: Settled, policy: Policy, case: Case, claim: StatedClaim) -> Ruling:
    """Rule on a claim of what was settled, from the case that it was computed from."""
    judged = replace(judge(policy, case, claim), revision=settled.revision)
    if settled.state is State.REJECTED:
        return _refused(judged, "claim_rejected")
    if not can_be_claimed(policy):
        return _refused(judged, "claim_not_needed")
    if judged.result is ClaimResult.NO_MATCH:
        return Ruling(judged=judged)
    before = evaluate(policy, case)
    claimed = with_claims(policy, case, [replace(judged, result=ClaimResult.ACCEPTED)])
    after = evaluate(policy, claimed)
    is_same = _figures(before) == _figures(after)
    if is_same and before.owes and not _waits(settled):
        reasons = (*judged.reasons, ALREADY_MADE)
        return Ruling(judged=replace(judged, result=ClaimResult.DUPLICATE, reasons=reasons))
    if judged.result is not ClaimResult.ACCEPTED:
        return Ruling(judged=judged)
    if not after.owes:
        no_ticket = after.claim is ClaimState.NO_TICKET
        return _refused(judged, "claim_no_ticket" if no_ticket else "claim_nothing_due")
    steps = _replaced(settled.steps, before.steps, (*judged.reasons, *after.steps))
    changed = replace(settled, steps=steps)
    freed = _freed(changed) if is_same else _raised(changed, after)
    return Ruling(judged=replace(judged, revision=freed.revision), settled=freed, case=claimed)


def nothing_kept(settled: Settled, claim: StatedClaim) -> Ruling:
    """Refuse a claim of a settlement in which there was nothing to claim for."""
    judged = JudgedClaim(stated=claim, result=ClaimResult.REFUSED, revision=settled.revision)
    return _refused(judged, "claim_nothing_due")


def lapsed(settled: Settled) -> Settled:
    """Give what nobody claimed in time; the figure stays to be seen."""
    until_ms = settled.claim_until_ms
    if until_ms is None:
        raise ValueError(f"{settled.key} has no deadline")
    reason = step("claim_lapsed", deadline=Moment(until_ms, settled.zone))
    return replace(settled, state=State.LAPSED, holds=(), steps=(*settled.steps, reason))


def _waits(settled: Settled) -> bool:
    """Say whether there is still something that only a claim sets free."""
    return settled.wants_claim or settled.state is State.LAPSED


def _refused(judged: JudgedClaim, code: str) -> Ruling:
    reasons = (*judged.reasons, step(code))
    return Ruling(judged=replace(judged, result=ClaimResult.REFUSED, reasons=reasons))


def _freed(settled: Settled) -> Settled:
    """Take away what held it for its customer; what holds it for a person stays."""
    holds = tuple(hold for hold in settled.holds if hold is not Hold.CLAIM)
    steps = tuple(one for one in settled.steps if one.code not in {"hold_claim", "claim_lapsed"})
    return replace(settled, state=State.HELD if holds else State.POSTED, holds=holds, steps=steps)


def _raised(settled: Settled, outcome: Outcome) -> Settled:
    """Hold for a person what is due by the customer's own word only."""
    freed = _freed(settled).recomputed(outcome)
    return replace(
        freed,
        state=State.HELD,
        holds=(*freed.holds, Hold.STATED),
        steps=(*freed.steps, step("hold_stated")),
        revision=settled.revision + 1,
    )


def _figures(outcome: Outcome) -> tuple[object, ...]:
    return outcome.credit, outcome.extension_days, outcome.may_terminate, outcome.carried


def _replaced(steps: Sequence[Step], old: Sequence[Step], new: Sequence[Step]) -> tuple[Step, ...]:
    """Put the new calculation where the old one stands; another version's calculation stays."""
    length = len(old)
    for start in range(len(steps) - length + 1):
        if tuple(steps[start : start + length]) == tuple(old):
            return (*steps[:start], *new, *steps[start + length :])
    return (*steps, *new)
