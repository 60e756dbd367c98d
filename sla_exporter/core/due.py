"""Which periods are to be settled now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.periods import Period
from sla_exporter.core.settlement import State, settled_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sla_exporter.core.catalogue import Catalogue, Contract


class Due(NamedTuple):
    """One contract and one of its periods."""

    contract: Contract
    period: Period


def last_closed(zone: str, now_ms: int, settle_after_ms: int) -> Period:
    """Give the last period that ended at least ``settle_after`` ago."""
    return Period.containing(now_ms - settle_after_ms, zone).previous


def due_periods(
    catalogue: Catalogue,
    latest: Mapping[str, tuple[str, State]],
    now_ms: int,
    settle_after_ms: int,
) -> Iterator[Due]:
    """Give every closed period that follows a contract's latest settlement.

    A contract that was never settled begins with the last closed period: adding a customer must not
    bring years of credits at once. A period that was only observed is due again until the next one
    has closed, so a mode that is switched on applies to the last period and to nothing older.
    """
    for contract in catalogue.contracts:
        period = last_closed(catalogue.zone_of(contract), now_ms, settle_after_ms)
        label, state = latest.get(contract.id, (period.previous.label, State.POSTED))
        found: list[Period] = []
        if period.label == label and state is State.OBSERVED:
            found.append(period)
        while period.label > label:
            found.append(period)
            period = period.previous
        for period in reversed(found):
            if settled_span(contract, period):
                yield Due(contract, period)


def open_periods(catalogue: Catalogue, now_ms: int) -> Iterator[Due]:
    """Give the period that each contract is in now."""
    for contract in catalogue.contracts:
        period = Period.containing(now_ms, catalogue.zone_of(contract))
        if settled_span(contract, period):
            yield Due(contract, period)


def needed_from_ms(
    catalogue: Catalogue,
    service: str,
    now_ms: int,
    settle_after_ms: int,
    label: str | None = None,
) -> int | None:
    """Say from when on a service must be observed; ``None`` if it has no contracts.

    That is the start of the last closed period, or of the period asked for if that is earlier.
    """
    starts: list[int] = []
    for contract in catalogue.of_service(service):
        zone = catalogue.zone_of(contract)
        period = last_closed(zone, now_ms, settle_after_ms)
        if label and label < period.label:
            period = Period.month(label, zone)
        starts.append(max(period.span.start_ms, contract.life(zone).start_ms))
    return min(starts, default=None)
