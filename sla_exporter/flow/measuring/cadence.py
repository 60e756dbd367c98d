"""The cadence of a service: its interval, and how long a sample of it may stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core.samples import Cadence
from sla_exporter.errors import NotReady

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Service


def cadence_of(service: Service, interval_ms: int) -> Cadence:
    """Join the interval in use with the gap that is stated.

    Raises:
        NotReady: if the gap is shorter, as it can be where the interval is not stated beside it.
    """
    gap_ms = service.max_gap_ms
    if gap_ms and gap_ms < interval_ms:
        raise NotReady(
            f"service {service.name}: max_gap is {gap_ms / 1000:g}s, and its samples come every "
            f"{interval_ms / 1000:g}s, so that none of them could stand until the next; state a "
            "max_gap of at least the interval, or none"
        )
    return Cadence.of(interval_ms, gap_ms)


def former_cadence(service: Service, interval_ms: int) -> Cadence:
    """Give the cadence of an interval that was in use before; the gap, if it fits it still."""
    gap_ms = service.max_gap_ms or 0
    return Cadence.of(interval_ms, gap_ms if gap_ms >= interval_ms else None)
