"""The cadence of a service: its interval, and how long a sample of it may stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from sla_exporter.core.samples import Cadence
from sla_exporter.errors import NotReady

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.catalogue import Service
    from sla_exporter.ports.measuring import SampleSource

_log = structlog.get_logger(__name__)

HOUR_MS = 3_600_000


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


async def fitting_interval_ms(
    service: Service, used_ms: int, source: SampleSource, now_ms: int
) -> int:
    """Infer an interval once more; give a longer one if samples come less often for two hours.

    One that is too short makes most of the time unknown. One that is too long sees small gaps
    later, but where series differ it is the only one that fits all of them, so it is kept and said.
    """
    looks = [await source.interval_ms(service, at_ms) for at_ms in (now_ms, now_ms - HOUR_MS)]
    found = [interval_ms for interval_ms in looks if interval_ms]
    if len(found) < len(looks) or not _is_another(found, used_ms):
        return used_ms
    said = {"service": service.name, "used_s": used_ms / 1000, "found_s": min(found) / 1000}
    if min(found) < used_ms:
        _log.warning("samples come more often than the interval in use; state it", **said)
    elif service.max_gap_ms and service.max_gap_ms < min(found):
        _log.warning("samples come less often than max_gap allows; state a longer one", **said)
    else:
        _log.warning(
            "samples come less often than before; their interval was inferred anew", **said
        )
        return min(found)
    return used_ms


def _is_another(found: Sequence[int], used_ms: int) -> bool:
    """Say whether all that was found is longer by half, or all shorter; the rest is jitter."""
    return 2 * min(found) > 3 * used_ms or 3 * max(found) < 2 * used_ms
