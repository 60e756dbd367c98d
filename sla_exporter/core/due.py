"""Which periods are to be settled now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.periods import DAY_MS, Period, PeriodKind
from sla_exporter.core.settlement import State, settled_span, settlement_key
from sla_exporter.core.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sla_exporter.core.catalogue import Catalogue, Contract


_LONGEST_INCIDENT_MS = 92 * DAY_MS


class Due(NamedTuple):
    """One contract and one of its periods."""

    contract: Contract
    period: Period

    @property
    def key(self) -> str:
        """The key of the settlement that it becomes."""
        return settlement_key(self.contract, self.period)


def last_closed(
    catalogue: Catalogue, contract: Contract, now_ms: int, settle_after_ms: int
) -> Period:
    """Give a contract's last period that ended at least ``settle_after`` ago."""
    open_then = catalogue.period_at(contract, now_ms - settle_after_ms)
    return catalogue.period_before(contract, open_then)


def due_periods(
    catalogue: Catalogue,
    latest: Mapping[str, tuple[int, State]],
    now_ms: int,
    settle_after_ms: int,
) -> Iterator[Due]:
    """Give every closed period that follows a contract's latest settlement.

    A contract that was never settled begins with the last closed period: adding a customer must not
    bring years of credits at once. A period that was only observed is due again until the next one
    has closed, so a mode that is switched on applies to the last period and to nothing older.

    Args:
        catalogue: what was promised.
        latest: the end and the state of the latest settlement, by contract.
        now_ms: the present.
        settle_after_ms: how long after its end a period is settled.
    """
    for contract in catalogue.contracts:
        period = last_closed(catalogue, contract, now_ms, settle_after_ms)
        end_ms, state = latest.get(contract.id, (period.step.start_ms, State.POSTED))
        found: list[Period] = []
        if period.step.end_ms == end_ms and state is State.OBSERVED:
            found.append(period)
        while period.step.end_ms > end_ms:
            found.append(period)
            period = catalogue.period_before(contract, period)
        for period in reversed(found):
            if settled_span(contract, period):
                yield Due(contract, period)


def closing_in(catalogue: Catalogue, month: str) -> Iterator[Due]:
    """Give the periods of all contracts whose last day lies in a calendar month."""
    for contract in catalogue.contracts:
        zone = catalogue.period_at(contract, 0).zone
        named = Period.month(month, zone)
        policy = catalogue.policy_of(contract, named.span.end_ms - 1)
        for period in policy.period.closing_in(named, contract.since):
            if settled_span(contract, period):
                yield Due(contract, period)


def open_periods(catalogue: Catalogue, now_ms: int) -> Iterator[Due]:
    """Give the period that each contract is in now."""
    for contract in catalogue.contracts:
        period = catalogue.period_at(contract, now_ms)
        if settled_span(contract, period):
            yield Due(contract, period)


def needed_from_ms(
    catalogue: Catalogue,
    service: str,
    now_ms: int,
    settle_after_ms: int,
    month: str | None = None,
) -> int | None:
    """Say from when on a service must be observed; ``None`` if it has no contracts.

    That is the start of the last closed period, or of what closed in the month asked for if that is
    earlier.
    """
    starts: list[int] = []
    for contract in catalogue.of_service(service):
        period = last_closed(catalogue, contract, now_ms, settle_after_ms)
        starts.append(_starts_ms(contract, period))
    if month:
        asked = [due for due in closing_in(catalogue, month) if due.contract.service == service]
        starts.extend(_starts_ms(due.contract, due.period) for due in asked)
    return min(starts, default=None)


def _starts_ms(contract: Contract, period: Period) -> int:
    return max(evidence_span(period).start_ms, contract.life(period.zone).start_ms)


def evidence_span(period: Period) -> Window:
    """Give the time that must be known to settle a period: single incidents may begin before it."""
    reach_ms = _LONGEST_INCIDENT_MS if period.rule.kind is PeriodKind.INCIDENT else 0
    return Window(period.span.start_ms - reach_ms, period.span.end_ms)
