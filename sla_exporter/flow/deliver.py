"""Deliver: claim an order, hand it to its sink outside any transaction, record the verdict.

If the process dies after the sink took an order and before that is recorded, the lease runs out and
the order is delivered again with the same key; sinks make one delivery of that.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

from sla_exporter.errors import DeliveryDelayed, DeliveryError, DeliveryRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sla_exporter.ports import Claimed, Clock, Outbox, Sink

_log = structlog.get_logger(__name__)

LEASE_MS = 5 * 60_000
MOST_AT_ONCE = 20
FIRST_RETRY_MS = 30_000
LONGEST_RETRY_MS = 6 * 3_600_000
MOST_ATTEMPTS = 20  # about three days


class DeliveryVerdict(StrEnum):
    """How one try went."""

    DELIVERED = "delivered"
    DELAYED = "delayed"
    REFUSED = "refused"


def retry_after_ms(attempts: int, jitter: float) -> int:
    """Wait twice as long after every try, up to six hours, and a quarter of that times jitter."""
    wait_ms = min(FIRST_RETRY_MS << attempts, LONGEST_RETRY_MS)
    return wait_ms + int(wait_ms * jitter / 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverer:
    """Empties the outbox into the sinks; any number of processes may do so at once."""

    outbox: Outbox
    sinks: Mapping[str, Sink]
    clock: Clock
    owner: str
    count: Callable[[str, DeliveryVerdict], None]
    jitter: Callable[[], float] = field(default=random.random)

    async def deliver_due(self) -> int:
        """Deliver everything that is due and say how many orders were tried."""
        tried: int = 0
        while claimed := await self._claim():
            await asyncio.gather(*(self._deliver(order) for order in claimed))
            tried += len(claimed)
        return tried

    async def _claim(self) -> Sequence[Claimed]:
        return await self.outbox.claim(self.owner, self.clock.now_ms(), LEASE_MS, MOST_AT_ONCE)

    async def _deliver(self, claimed: Claimed) -> None:
        order = claimed.order
        try:
            # Ends before the lease does, so that no other process has the same order meanwhile.
            async with asyncio.timeout(LEASE_MS / 2000):
                reference = await self._sink(order.sink).deliver(claimed)
        except TimeoutError:
            await self._failed(claimed, DeliveryDelayed("the sink did not answer in time"))
        except DeliveryError as error:
            await self._failed(claimed, error)
        except Exception as error:  # noqa: BLE001 - one order must not stop the others
            _log.exception("a sink failed in a way it should not", order=order.key)
            await self._failed(claimed, DeliveryDelayed(f"{type(error).__name__}: {error}"))
        else:
            await self.outbox.delivered(order.key, self.owner, reference, self.clock.now_ms())
            self.count(order.sink, DeliveryVerdict.DELIVERED)
            _log.info("delivered", order=order.key, reference=reference)

    def _sink(self, name: str) -> Sink:
        try:
            return self.sinks[name]
        except KeyError:
            raise DeliveryRefused(f"there is no sink {name!r} in the configuration") from None

    async def _failed(self, claimed: Claimed, error: DeliveryError) -> None:
        order, attempts = claimed.order, claimed.attempts + 1
        parks = error.permanent or attempts >= MOST_ATTEMPTS
        wait_ms = retry_after_ms(claimed.attempts, self.jitter())
        retry_at_ms = None if parks else self.clock.now_ms() + wait_ms
        await self.outbox.failed(order.key, self.owner, str(error), retry_at_ms)
        verdict = DeliveryVerdict.REFUSED if error.permanent else DeliveryVerdict.DELAYED
        self.count(order.sink, verdict)
        _log.warning("not delivered", order=order.key, error=str(error), parked=parks)
