"""Leadership: keeps asking for the lease, and lets jobs run only on the replica that holds it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from sla_exporter.errors import SlaExporterError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sla_exporter.store.lease import Lease

_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Leadership:
    """Holds or waits for the lease; ``begin`` runs the jobs at once when it was won."""

    lease: Lease
    length_ms: Callable[[], int]
    begin: Callable[[], Awaitable[None]]
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _begun: set[asyncio.Task[None]] = field(default_factory=set)

    async def keep(self) -> None:
        """Renew the lease five times in its length, or try to win it, until told to stop."""
        while not self._stopping.is_set():
            await self._ask()
            try:
                async with asyncio.timeout(self.length_ms() / 5000):
                    await self._stopping.wait()
            except TimeoutError:
                continue

    def is_ours(self) -> bool:
        """Say whether this replica runs the jobs, as far as it knows."""
        return self.lease.is_in_force

    def stop(self) -> None:
        """Ask for the lease no more."""
        self._stopping.set()

    async def resign(self) -> None:
        """Give the lease back, once no job runs any more."""
        await asyncio.gather(*self._begun, return_exceptions=True)
        if self.lease.is_held:
            try:
                await self.lease.release()
            except SlaExporterError as error:
                _log.warning("the lease could not be given back", error=str(error))

    async def _ask(self) -> None:
        held = self.lease.is_held
        try:
            await self.lease.acquire(self.length_ms())
        except SlaExporterError as error:
            _log.warning("the lease could not be asked for", error=str(error))
        except Exception:  # noqa: BLE001 - the loop's edge: who asks no more never takes over
            _log.exception("the lease could not be asked for, unexpectedly")
        holds = self.lease.is_in_force
        if not holds:
            self.lease.forget()
        if holds and not held:
            _log.info("this replica runs the jobs now", epoch=self.lease.epoch)
            task = asyncio.create_task(self._begin())
            self._begun.add(task)
            task.add_done_callback(self._begun.discard)
        if held and not holds:
            _log.warning("this replica runs the jobs no more")

    async def _begin(self) -> None:
        await self.begin()
