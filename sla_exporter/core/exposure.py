"""Exposure: what an open period may still cost, and how much downtime is left until it costs more.

Found by asking the policy itself: the case as of now, and with so much more downtime.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sla_exporter.core.policy.case import Outage
from sla_exporter.core.policy.engine import evaluate
from sla_exporter.core.windows import Window

if TYPE_CHECKING:
    from sla_exporter.core.policy.case import Case
    from sla_exporter.core.policy.engine import Outcome
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.settlement import Settlement

_HOUR_MS = 3_600_000
_FINE_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How an open period may go on.

    ``per_hour_minor`` is what the next hour of a running outage adds, in minor units.
    ``next_after_ms`` is how much more downtime raises the credit, to ``next_credit_minor``;
    ``None`` if none does.
    """

    is_down: bool = False
    per_hour_minor: int = 0
    next_after_ms: int | None = None
    next_credit_minor: int | None = None


class Outlooks:
    """Answers for open settlements, and remembers them for the next time.

    Contracts that are alike share their answer, and what was found for a contract that is up holds
    until its facts change: only who is down must be asked about again.
    """

    def __init__(self) -> None:
        self._known: dict[object, Outlook] = {}
        self._asked: dict[object, Outlook] = {}

    def of(self, settlement: Settlement) -> Outlook:
        """Look ahead."""
        now_ms = settlement.evidence.open_from_ms
        if now_ms is None:
            return Outlook()
        case = settlement.outcome.measured.case
        key = _facts(settlement.policy, case)
        found = self._asked.get(key) or self._known.get(key)
        if (
            found is None
            or found.is_down
            or _is_down(case, now_ms)
            or _is_over(found, case, now_ms)
        ):
            found = self._asked.get((key, now_ms))
        if found is None:
            found = look_ahead(settlement.policy, case, settlement.outcome, now_ms)
            self._asked[key, now_ms] = found
        self._asked[key] = found
        return found

    def forget(self) -> None:
        """Forget what nobody asked for since the last time."""
        self._known, self._asked = self._asked, {}


def _facts(policy: Policy, case: Case) -> object:
    """Give everything that the answer depends on, but for the present."""
    contract = case.contract
    return (
        id(policy),
        contract.fee,
        tuple(contract.amounts.items()),
        tuple(contract.parts.items()),
        contract.price_changes,
        case.span,
        case.outages,
        case.unknown,
        case.exclusions,
        case.breached_before,
        case.granted_before,
        case.carried,
        case.ratio,
    )


def _is_down(case: Case, now_ms: int) -> bool:
    return any(outage.window.end_ms >= now_ms for outage in case.outages)


def _is_over(found: Outlook, case: Case, now_ms: int) -> bool:
    """Say whether the period ends before the credit can rise."""
    after = found.next_after_ms
    return after is not None and after > case.span.end_ms - now_ms


def look_ahead(policy: Policy, case: Case, outcome: Outcome, now_ms: int) -> Outlook:
    """Say what more downtime from now on would cost."""
    left_ms = case.span.end_ms - now_ms
    now_minor = outcome.credit.minor

    def credit_after(ms: int) -> int:
        more = Outage(window=Window(now_ms, now_ms + ms))
        return evaluate(policy, replace(case, outages=(*case.outages, more))).credit.minor

    is_down = _is_down(case, now_ms)
    hour_ms = min(_HOUR_MS, left_ms)
    per_hour = credit_after(hour_ms) - now_minor if is_down and hour_ms > 0 else 0
    if left_ms <= 0 or credit_after(left_ms) <= now_minor:
        return Outlook(is_down=is_down, per_hour_minor=per_hour)
    low, high = 0, left_ms
    while high - low > _FINE_MS:  # more downtime never lowers a credit, so halving finds the edge
        middle = (low + high) // 2
        low, high = (low, middle) if credit_after(middle) > now_minor else (middle, high)
    return Outlook(
        is_down=is_down,
        per_hour_minor=per_hour,
        next_after_ms=high,
        next_credit_minor=credit_after(high),
    )
