"""Ingest: a webhook request is kept, answered, and becomes part of the incident windows.

Kept means committed as it came, and that is all that the answer waits for. Its windows are joined
from what was kept: after a lull, because what comes in goes first, and before anybody reads them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.ports.incidents import RawRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sla_exporter.ports import Clock
    from sla_exporter.ports.incidents import IncidentStore

_LULL_S = 0.05
_LONGEST_S = 5.0


@dataclass(slots=True, kw_only=True)
class Joiner:
    """Sees to it that what was kept is joined: when no more comes, or else within seconds."""

    join: Callable[[], Awaitable[object]]
    _heard: bool = False
    _task: asyncio.Task[None] | None = None

    def hear(self) -> None:
        """Take note that a request was kept."""
        self._heard = True
        if self._task is None:
            self._task = asyncio.create_task(self._join_all())

    async def _join_all(self) -> None:
        try:
            while self._heard:
                await self._lull()
                await self.join()
        finally:
            self._task = None

    async def _lull(self) -> None:
        now = asyncio.get_running_loop().time
        latest = now() + _LONGEST_S
        while self._heard and now() < latest:
            self._heard = False
            await asyncio.sleep(_LULL_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingester:
    """Takes what Alertmanager sends; ``kept`` is told of every request."""

    incidents: IncidentStore
    clock: Clock
    kept: Callable[[], None]

    async def ingest(
        self,
        *,
        body: bytes,
        sender: str,
        truncated: int = 0,
        problem: str | None = None,
        tells: bool = True,
    ) -> None:
        """Keep the request as it came; done means committed."""
        request = RawRequest(
            received_at_ms=self.clock.now_ms(),
            sender=sender,
            body=body,
            truncated=truncated,
            problem=problem,
            tells=tells,
        )
        await self.incidents.keep(request)
        self.kept()
