"""What observing needs of a kind of SLI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from sla_exporter.core.samples import Cadence
    from sla_exporter.core.scan import Chunk
    from sla_exporter.ports import Labels
    from sla_exporter.ports.measuring import Observation

# A sample is looked for this long after its time before it counts as missing; engines that take
# samples over the network show them late (VictoriaMetrics: 30 s).
ARRIVAL_MS = 45_000

L = TypeVar("L")


class Measurer(Protocol[L]):
    """Measures a service chunk by chunk.

    While one chunk is finished, the next one is looked at already.
    """

    @property
    def grid_ms(self) -> int:
        """Where observing begins, and so every chunk, lies on whole multiples of this."""
        ...

    async def interval_ms(self, from_ms: int, now_ms: int) -> int:
        """Say what the resolution is."""
        ...

    def lag_ms(self, cadence: Cadence) -> int:
        """Say how long after a moment all that is needed to judge it is in."""
        ...

    async def look(self, chunk: Chunk) -> L:
        """Ask for what does not depend on the chunks before."""
        ...

    async def finish(self, chunk: Chunk, look: L, expected: AbstractSet[Labels]) -> Observation:
        """Give what was found of every series that was not up throughout, or is new."""
        ...
