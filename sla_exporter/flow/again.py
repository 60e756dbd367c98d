"""Settling again: what a settled month looks like when it is measured anew.

Samples may arrive after ``settle_after``, be backfilled or be mended. This says what that would
change; it writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.settled import Settled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.due import Due
    from sla_exporter.core.settlement import Settlement
    from sla_exporter.flow.observe import Observer
    from sla_exporter.flow.reconcile import Reconciler


@dataclass(frozen=True, slots=True, kw_only=True)
class Resettled:
    """What was settled, and what measuring anew says."""

    old: Settled
    new: Settlement

    @property
    def differs(self) -> bool:
        """Say whether anything changed that the customer was told, or the windows behind it."""
        return _told(self.old) != _told(Settled.of(self.new))


async def settle_again(
    *,
    observer: Observer,
    reconciler: Reconciler,
    catalogue: Catalogue,
    due: Sequence[Due],
    label: str,
    now_ms: int,
) -> list[Resettled]:
    """Measure and settle periods anew, beside what was settled; others are left out.

    Args:
        observer: with a store that knows nothing, the same one that the reconciler reads from.
        reconciler: computes; nothing is posted.
        catalogue: what was promised.
        due: the periods.
        label: the month in which they closed, which says from when on to measure.
        now_ms: the present.
    """
    settled = await reconciler.settlements.settled_as([item.key for item in due])
    await observer.observe_all(catalogue, now_ms, label)
    return [
        Resettled(old=settled[settlement.key], new=settlement)
        async for batch in reconciler.compute(catalogue, [d for d in due if d.key in settled])
        for settlement in batch
    ]


def _told(settled: Settled) -> tuple[object, ...]:
    return (
        settled.credit,
        settled.extension_days,
        settled.may_terminate,
        settled.verdict,
        settled.ratio,
        settled.windows,
    )
