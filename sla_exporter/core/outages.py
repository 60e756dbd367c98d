"""Outages as customers are told of them while they happen: measured, long enough, and counting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.policy.downtime import count_downtime
from sla_exporter.core.policy.exclusions import exclude
from sla_exporter.core.settlement import State
from sla_exporter.core.windows import intersect, subtract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.settlement import Settlement
    from sla_exporter.core.windows import Window, Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A stretch of downtime of a contract that counts; ``lasts`` while its end is not known.

    ``goes_on`` if it begins with the period, so that it may have begun in the one before.
    """

    contract: str
    customer: str
    service: str
    zone: str
    window: Window
    lasts: bool
    goes_on: bool = False


def worth_telling(
    settlement: Settlement, after_ms: int, since_ms: int, faults: Windows
) -> Iterator[Outage]:
    """Give the outages of an open period that its customer should hear of.

    Args:
        settlement: the open period as of now.
        after_ms: how long an outage must have lasted.
        since_ms: only what lasted until then, or longer; what is over is told by the statement.
        faults: stretches in which so many were down that it may be the monitoring.
    """
    if settlement.state is State.OBSERVED:
        return
    open_from_ms = settlement.evidence.open_from_ms or settlement.span.end_ms
    for window in _counting(settlement):
        if window.length_ms < after_ms or window.end_ms < since_ms:
            continue
        if intersect((window,), faults):
            continue
        yield Outage(
            contract=settlement.contract.id,
            customer=settlement.contract.customer.id,
            service=settlement.contract.service,
            zone=settlement.period.zone,
            window=window,
            lasts=window.end_ms >= open_from_ms,
            goes_on=window.start_ms == settlement.span.start_ms,
        )


def _counting(settlement: Settlement) -> Iterator[Window]:
    """Give the downtime, without what is excluded, of which the policy counts anything."""
    down = settlement.evidence.state.down
    if not down:
        return
    policy, case = settlement.policy, settlement.outcome.measured.case
    excluded = exclude(policy.exclusions, case).windows
    counted, _ = count_downtime(policy.downtime, case, excluded)
    windows = tuple(one.window for one in counted)
    yield from (one for one in subtract(down, excluded) if intersect((one,), windows))
