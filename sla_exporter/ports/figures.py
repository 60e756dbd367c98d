"""What ``/metrics`` and the pages show, and who reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sla_exporter.core.windows import total_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.exposure import Outlook
    from sla_exporter.core.settlement import Settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the open period of a contract looks as of now; ratios are exact fractions as text.

    ``per_hour_minor`` is what the next hour of a running outage adds to the credit;
    ``next_after_ms`` how much more downtime it takes until the credit is ``next_credit_minor``.
    """

    contract: str
    customer: str
    service: str
    policy: str
    period: str
    currency: str
    credit_minor: int
    objective: str | None
    ratio: str | None
    down_ms: int
    unknown_ms: int
    disagreement_ms: int = 0
    is_down: bool = False
    per_hour_minor: int = 0
    next_after_ms: int | None = None
    next_credit_minor: int | None = None

    @classmethod
    def of(cls, settlement: Settlement, outlook: Outlook) -> Standing:
        """Take what is shown of an open period; a fleet of these is small, of settlements not."""
        measured, promised = settlement.outcome.measured, settlement.policy.promised
        return cls(
            contract=settlement.contract.id,
            customer=settlement.contract.customer.id,
            service=settlement.contract.service,
            policy=settlement.policy.name,
            period=settlement.period.label,
            currency=settlement.credit.currency,
            credit_minor=settlement.credit.minor,
            objective=str(promised.value) if promised else None,
            ratio=None if measured.ratio is None else str(measured.ratio),
            down_ms=int(measured.down_ms),
            unknown_ms=measured.unknown_ms,
            disagreement_ms=total_ms(settlement.evidence.disagreements),
            is_down=outlook.is_down,
            per_hour_minor=outlook.per_hour_minor,
            next_after_ms=outlook.next_after_ms,
            next_credit_minor=outlook.next_credit_minor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the database says, for ``/metrics``; sums are in minor units.

    The keys of the mappings are the values of the labels: ``issued`` and ``reversed`` by currency,
    policy and form; ``carried`` by currency;
    ``held`` by currency and reason; ``breaches`` and ``unpaid_breaches`` by policy and service;
    ``pending`` and ``parked`` by sink; ``observed_until_ms`` by service; ``billing_differences`` by
    sink and kind; ``billing_checked_ms`` and ``notices_staged`` by sink; ``claims`` by result;
    ``waiting``, what customers may still claim, by currency.
    """

    issued: Mapping[tuple[str, str, str], tuple[int, int]]
    held: Mapping[tuple[str, str], int]
    breaches: Mapping[tuple[str, str], int]
    unpaid_breaches: Mapping[tuple[str, str], int]
    pending: Mapping[str, int]
    parked: Mapping[str, int]
    observed_until_ms: Mapping[str, int]
    open_incidents: int
    standings: Sequence[Standing]
    reversed: Mapping[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)
    carried: Mapping[str, int] = field(default_factory=dict)
    billing_differences: Mapping[tuple[str, str], int] = field(default_factory=dict)
    billing_checked_ms: Mapping[str, int] = field(default_factory=dict)
    notices_held: int = 0
    notices_stopped: bool = False
    notices_staged: Mapping[str, int] = field(default_factory=dict)
    claims: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    webhook_backlog: int = 0


class FigureStore(Protocol):
    """Reads figures; changes nothing."""

    async def figures(self) -> Figures:
        """Give all figures from one snapshot."""
        ...
