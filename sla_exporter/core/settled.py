"""A settlement as it is kept and shown: everything about it, and nothing that is still in motion.

The configuration may have changed since; this is what was said then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sla_exporter.core.money import Money, Rounding
from sla_exporter.core.policy.terms import Form
from sla_exporter.core.reasoning import Moment
from sla_exporter.core.settlement import Hold, State, verdict_of
from sla_exporter.core.windows import reaching_back

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from sla_exporter.core.policy.engine import Outcome
    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.settlement import Settlement, Verdict
    from sla_exporter.core.windows import Window

_AMENDED = frozenset({"adjusted", "carried_spent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome for one contract and one period.

    ``ratio`` is the exact availability; the lengths beside it are cut to whole milliseconds.
    ``kept_minor`` is by how much posting it changes what is kept for later credits; ``revision``
    counts how often the period was settled anew. A credit on request can be claimed before
    ``claim_until_ms``; its customer is reminded at ``remind_at_ms``.
    """

    key: str
    contract: str
    customer: str
    service: str
    policy: str
    period: str
    span: Window
    period_end_ms: int
    verdict: Verdict
    state: State
    holds: tuple[Hold, ...]
    fee: Money
    credit: Money
    extension_days: Fraction
    may_terminate: bool
    objective: Fraction | None
    ratio: Fraction | None
    counted_ms: int
    down_ms: int
    unknown_ms: int
    windows: SeriesState
    steps: tuple[Step, ...]
    zone: str = "UTC"
    form: Form = Form.ACCOUNT_CREDIT
    expires_ms: int | None = None
    kept_minor: int = 0
    revision: int = 1
    group: str = ""
    claim_until_ms: int | None = None
    remind_at_ms: int | None = None

    @classmethod
    def of(cls, settlement: Settlement) -> Settled:
        """Take what is worth keeping from a settlement."""
        contract, outcome = settlement.contract, settlement.outcome
        measured, promised = outcome.measured, settlement.policy.promised
        return cls(
            key=settlement.key,
            contract=contract.id,
            customer=contract.customer.id,
            service=contract.service,
            policy=settlement.policy.name,
            period=settlement.period.label,
            span=settlement.span,
            period_end_ms=settlement.period.step.end_ms,
            verdict=settlement.verdict,
            state=settlement.state,
            holds=settlement.holds,
            fee=contract.fee.rounded_to(
                contract.fee_over(settlement.span, settlement.period.zone), Rounding.HALF_UP
            ),
            credit=settlement.credit,
            extension_days=outcome.extension_days,
            may_terminate=outcome.may_terminate,
            objective=promised.value if promised else None,
            ratio=measured.ratio,
            counted_ms=int(measured.counted_ms),
            down_ms=int(measured.down_ms),
            unknown_ms=measured.unknown_ms,
            windows=settlement.evidence.state,
            steps=settlement.steps,
            zone=settlement.period.zone,
            form=settlement.policy.form,
            expires_ms=settlement.policy.expires_ms,
            kept_minor=_kept_minor(outcome),
            group=settlement.group,
            **_claim_times(outcome),
        )

    @property
    def reach(self) -> Window:
        """The span, and the time before it in which its outages began."""
        return reaching_back(self.span, self.windows.down)

    def recomputed(self, outcome: Outcome) -> Settled:
        """Give it with other figures, and with the steps that it has."""
        measured = outcome.measured
        return replace(
            self,
            verdict=verdict_of(outcome),
            credit=outcome.credit,
            extension_days=outcome.extension_days,
            may_terminate=outcome.may_terminate,
            ratio=measured.ratio,
            counted_ms=int(measured.counted_ms),
            down_ms=int(measured.down_ms),
            unknown_ms=measured.unknown_ms,
            kept_minor=_kept_minor(outcome),
            **_claim_times(outcome),
        )

    def reasoned_anew(self, new: Settled) -> Settled:
        """Give it with what was measured and reasoned for another one that comes to the same.

        What holds it goes on holding it, and what was decided or spent since stays so.
        """
        is_same_money = new.fee.currency == self.credit.currency
        told = (one for one in new.steps if not _came_after(one))
        kept = (one for one in self.steps if _came_after(one))
        return replace(
            new,
            state=self.state,
            holds=self.holds,
            group=self.group,
            fee=new.fee if is_same_money else self.fee,
            credit=self.credit,
            kept_minor=self.kept_minor,
            form=self.form,
            expires_ms=self.expires_ms,
            steps=(*told, *kept),
        )

    @property
    def owes(self) -> bool:
        """Say whether there is anything to give, in whatever form."""
        return bool(self.credit.minor or self.extension_days or self.may_terminate)

    @property
    def moves(self) -> bool:
        """Say whether posting it writes anything in the ledger."""
        return self.owes or bool(self.kept_minor)

    @property
    def wants_claim(self) -> bool:
        """Say whether its customer must claim it first, and did not."""
        return Hold.CLAIM in self.holds

    @property
    def claim_hold(self) -> tuple[Hold, ...]:
        """Give of its holds the one for the customer, if it is there."""
        return (Hold.CLAIM,) if self.wants_claim else ()

    def is_late_at(self, now_ms: int) -> bool:
        """Say whether the time to claim it is over."""
        return self.claim_until_ms is not None and self.claim_until_ms <= now_ms

    @property
    def released(self) -> Settled:
        """Give it as it is once nothing but its customer holds it."""
        if self.wants_claim and self.owes:
            # What was held before deadlines were kept has its own in the reasoning.
            until_ms = self.claim_until_ms or _deadline_told(self.steps)
            return replace(
                self, state=State.WAITING, holds=self.claim_hold, claim_until_ms=until_ms
            )
        return replace(self, state=State.POSTED)


def _came_after(reason: Step) -> bool:
    """Say whether a step tells what became of a figure, and not how it was computed."""
    return reason.code.startswith("hold_") or reason.code in {*_AMENDED, "claim_lapsed"}


def _deadline_told(steps: Sequence[Step]) -> int | None:
    told = (one.facts.get("deadline") for one in steps if one.code == "claim_needed")
    return next((fact.at_ms for fact in told if isinstance(fact, Moment)), None)


def _claim_times(outcome: Outcome) -> dict[str, Any]:
    claim, case = outcome.measured.policy.claim, outcome.measured.case
    if claim is None or outcome.claim is None:
        return {"claim_until_ms": None, "remind_at_ms": None}
    return {"claim_until_ms": claim.until_ms(case), "remind_at_ms": claim.remind_at_ms(case)}


def _kept_minor(outcome: Outcome) -> int:
    """Say by how much the amount kept for later grows; a credit uses up what was kept."""
    carried = outcome.measured.case.carried
    before = carried.minor if carried else 0
    if outcome.carried is not None:
        return outcome.carried.minor - before
    return -before if outcome.credit.minor else 0


def computed(steps: Sequence[Step], credit_minor: int, kept_minor: int) -> tuple[int, int]:
    """Give credit and kept amount as they were computed.

    That is before a person set another credit, or part of what was kept turned out to be spent.
    """
    for one in reversed(steps):
        before, spent = one.facts.get("before"), one.facts.get("spent")
        if one.code in _AMENDED and isinstance(before, Money):
            credit_minor = before.minor
        if one.code == "carried_spent" and isinstance(spent, Money):
            kept_minor -= spent.minor
    return credit_minor, kept_minor
