"""Ingest: a webhook request becomes incident windows, in one transaction with the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.ports.incidents import RawRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.incidents import ToldWindow
    from sla_exporter.ports import Clock
    from sla_exporter.ports.incidents import IncidentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingester:
    """Takes what Alertmanager sends."""

    incidents: IncidentStore
    clock: Clock

    async def ingest(
        self,
        *,
        body: bytes,
        sender: str,
        windows: Sequence[ToldWindow],
        truncated: int = 0,
        problem: str | None = None,
    ) -> None:
        """Keep the request as evidence and join its windows; done means committed."""
        request = RawRequest(
            received_at_ms=self.clock.now_ms(),
            sender=sender,
            body=body,
            truncated=truncated,
            problem=problem,
        )
        await self.incidents.record(request, windows)
