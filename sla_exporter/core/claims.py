"""Claims: what customers ask for, held against what was measured.

A claim asks for the credit of a contract and period. Where it names times, some measured outage
must agree with them; a policy whose clock starts with the report takes it as the report of those
outages. Nothing here decides about money: the policy computes the same credit as ever.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from sla_exporter.core.policy.claim import Claim
from sla_exporter.core.reasoning import Duration, Moment, step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sla_exporter.core.policy.case import Case, Outage
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.windows import Window


class Channel(StrEnum):
    """Which way a claim came."""

    LINK = "link"
    API = "api"
    CLI = "cli"


class ClaimResult(StrEnum):
    """What came of a claim."""

    ACCEPTED = "accepted"
    EARLY = "early"  # kept until the period is settled
    LATE = "late"
    DUPLICATE = "duplicate"
    NO_MATCH = "no_match"  # nothing was measured at the times that it names
    REFUSED = "refused"  # there is nothing to claim


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedClaim:
    """A claim as it was made.

    ``window`` is when the customer says the service was down; without it the whole period is meant.
    ``key`` is how an early claim was kept.
    """

    settlement: str
    contract: str
    channel: Channel
    by: str
    received_at_ms: int
    window: Window | None = None
    ticket: str = ""
    ticket_at_ms: int | None = None
    key: str = ""

    @property
    def reported_at_ms(self) -> int:
        """When the customer told of the outage: in a ticket, or with the claim itself."""
        return self.received_at_ms if self.ticket_at_ms is None else self.ticket_at_ms

    @property
    def digest(self) -> str:
        """Name what is claimed, whoever says it and however often."""
        said = [self.settlement, self.window, self.ticket, self.ticket_at_ms]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

    def matching(self, outages: Iterable[Outage], tolerance_ms: int) -> list[Outage]:
        """Give the outages that it speaks of; a claim without times, of those that had begun."""
        if self.window is None:
            return [one for one in outages if one.window.start_ms <= self.received_at_ms]
        start, end = self.window
        return [
            one
            for one in outages
            if one.window.start_ms < end + tolerance_ms and one.window.end_ms > start - tolerance_ms
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClaim:
    """A claim and what came of it, with the reasons; ``revision`` is that of the settlement."""

    stated: StatedClaim
    result: ClaimResult
    reasons: tuple[Step, ...] = ()
    revision: int = 0

    @property
    def key(self) -> str:
        """The same claim of the same settlement always has the same key.

        One claim is accepted for a settlement and revision; those that came early, each by itself.
        """
        name = f"{self.result.value}/{self.stated.settlement}/{self.revision}"
        if self.result is ClaimResult.ACCEPTED and not self.stated.key:
            return name
        return f"{name}/{self.stated.digest}"


def judge(policy: Policy, case: Case, claim: StatedClaim) -> JudgedClaim:
    """Hold a claim against what was measured, and against the deadline."""
    terms, zone = policy.claim or Claim(), case.period.zone
    told = _told(claim, zone)
    matched = claim.matching(case.outages, terms.tolerance_ms)
    if case.outages and not matched:
        tolerance = Duration(terms.tolerance_ms)
        reasons = (*told, step("claim_no_match", tolerance=tolerance), *_measured(case))
        return JudgedClaim(stated=claim, result=ClaimResult.NO_MATCH, reasons=reasons)
    until_ms = terms.until_ms(case)
    if until_ms is not None and claim.received_at_ms >= until_ms:
        late = step("claim_refused_late", deadline=Moment(until_ms, zone))
        return JudgedClaim(stated=claim, result=ClaimResult.LATE, reasons=(*told, late))
    return JudgedClaim(stated=claim, result=ClaimResult.ACCEPTED, reasons=told)


def with_claims(policy: Policy, case: Case, judged: Iterable[JudgedClaim]) -> Case:
    """Give the case with those of the claims that hold."""
    for one in judged:
        if one.result is ClaimResult.ACCEPTED:
            case = _with_claim(policy, case, one.stated)
    return case


def _with_claim(policy: Policy, case: Case, claim: StatedClaim) -> Case:
    tolerance_ms = (policy.claim or Claim()).tolerance_ms
    matched = claim.matching(case.outages, tolerance_ms)
    return replace(
        case,
        claimed_at_ms=_earliest(case.claimed_at_ms, claim.received_at_ms),
        ticket_at_ms=_earliest(case.ticket_at_ms, claim.ticket_at_ms),
        outages=tuple(
            _reported(one, claim, tolerance_ms) if one in matched else one for one in case.outages
        ),
    )


def _reported(outage: Outage, claim: StatedClaim, tolerance_ms: int) -> Outage:
    """Take the claim as the report of an outage, unless it was made before, of something else."""
    at_ms = claim.reported_at_ms
    begins_ms = min(outage.window.start_ms, *(claim.window or outage.window))
    if at_ms < begins_ms - tolerance_ms:
        return outage
    return replace(outage, reported_at_ms=_earliest(outage.reported_at_ms, at_ms))


def _earliest(known: int | None, other: int | None) -> int | None:
    return min((at_ms for at_ms in (known, other) if at_ms is not None), default=None)


def _told(claim: StatedClaim, zone: str) -> tuple[Step, ...]:
    """Say in steps what was claimed."""
    at = Moment(claim.received_at_ms, zone)
    if claim.window is None:
        steps = [step("claim_received", at=at)]
    else:
        start, end = (Moment(at_ms, zone) for at_ms in claim.window)
        steps = [step("claim_received_for", at=at, start=start, end=end)]
    if claim.ticket_at_ms is not None:
        when = Moment(claim.ticket_at_ms, zone)
        steps.append(step("claim_ticket", at=when, ticket=claim.ticket or "-"))
    return tuple(steps)


def _measured(case: Case) -> Sequence[Step]:
    """Say in steps which outages there were."""
    return [
        step(
            "outage",
            start=Moment(one.window.start_ms, case.period.zone),
            end=Moment(one.window.end_ms, case.period.zone),
            length=Duration(one.window.length_ms),
        )
        for one in case.outages
    ]
