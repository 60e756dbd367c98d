"""A settlement as it is kept and shown: everything about it, and nothing that is still in motion.

The configuration may have changed since; this is what was said then.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sla_exporter.core.money import Money
    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.settlement import Hold, Settlement, State, Verdict
    from sla_exporter.core.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome for one contract and one period."""

    key: str
    contract: str
    customer: str
    service: str
    policy: str
    period: str
    span: Window
    verdict: Verdict
    state: State
    holds: tuple[Hold, ...]
    fee: Money
    credit: Money
    objective: Fraction
    up_ms: int
    counted_ms: int
    down_ms: int
    unknown_ms: int
    windows: SeriesState
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, settlement: Settlement) -> Settled:
        """Take what is worth keeping from a settlement."""
        contract, measured = settlement.contract, settlement.availability
        return cls(
            key=settlement.key,
            contract=contract.id,
            customer=contract.customer.id,
            service=contract.service,
            policy=settlement.policy.name,
            period=settlement.period.label,
            span=settlement.span,
            verdict=settlement.verdict,
            state=settlement.state,
            holds=settlement.holds,
            fee=contract.fee,
            credit=settlement.credit,
            objective=settlement.policy.objective.value,
            up_ms=measured.up_ms,
            counted_ms=measured.counted_ms,
            down_ms=measured.down_ms,
            unknown_ms=measured.unknown_ms,
            windows=settlement.evidence.state,
            steps=settlement.steps,
        )

    @property
    def ratio(self) -> Fraction | None:
        """The availability; ``None`` where nothing counts."""
        return Fraction(self.up_ms, self.counted_ms) if self.counted_ms else None

    @property
    def owes(self) -> bool:
        """Say whether there is money to give."""
        return self.credit.minor > 0
