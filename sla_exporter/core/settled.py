"""A settlement as it is kept and shown: everything about it, and nothing that is still in motion.

The configuration may have changed since; this is what was said then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.money import Money, Rounding
from sla_exporter.core.policy.terms import Form

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from sla_exporter.core.policy.engine import Outcome
    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.settlement import Hold, Settlement, State, Verdict
    from sla_exporter.core.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome for one contract and one period.

    ``ratio`` is the exact availability; the lengths beside it are cut to whole milliseconds.
    ``kept_minor`` is by how much posting it changes what is kept for later credits; ``revision``
    counts how often the period was settled anew.
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
        )

    @property
    def owes(self) -> bool:
        """Say whether there is anything to give, in whatever form."""
        return bool(self.credit.minor or self.extension_days or self.may_terminate)

    @property
    def moves(self) -> bool:
        """Say whether posting it writes anything in the ledger."""
        return self.owes or bool(self.kept_minor)


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
        if one.code in {"adjusted", "carried_spent"} and isinstance(before, Money):
            credit_minor = before.minor
        if one.code == "carried_spent" and isinstance(spent, Money):
            kept_minor -= spent.minor
    return credit_minor, kept_minor
