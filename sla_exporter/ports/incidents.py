"""What taking incidents needs: the store of windows and of the requests they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.incidents import Amendment, IncidentWindow
    from sla_exporter.core.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """A webhook request as it came, kept as evidence; joined only where it ``tells`` of alerts."""

    received_at_ms: int
    sender: str
    body: bytes
    truncated: int
    problem: str | None = None
    tells: bool = True


class IncidentStore(Protocol):
    """Incident windows and the requests they came from.

    Who reads windows, or changes them, sees what every request told that was kept by then.
    """

    async def keep(self, request: RawRequest) -> None:
        """Keep the request; done means committed. What it tells of is joined later."""
        ...

    async def join(self) -> None:
        """Join the windows of all requests that were kept by now with what is known.

        Raises:
            StoreUnavailable: what waits goes on waiting.
        """
        ...

    async def overlapping(self, span: Window) -> Sequence[IncidentWindow]:
        """Give every window that touches the span, with what was changed about it."""
        ...

    async def known(self, span: Window) -> Sequence[IncidentWindow]:
        """Give every window that touches the span, open ones as open as they were told."""
        ...

    async def find(self, fingerprint: str, starts_at_ms: int) -> IncidentWindow | None:
        """Give one window."""
        ...

    async def amend(self, amendments: Sequence[Amendment]) -> int:
        """Make the changes that still apply, each with its note, and say how many those were."""
        ...

    async def listed(self, windows: Sequence[IncidentWindow], at_ms: int) -> None:
        """Note that Alertmanager lists these as firing."""
        ...

    async def repaired_until(self, service: str) -> int | None:
        """Say up to when windows were compared with the alerts in Prometheus."""
        ...

    async def mark_repaired(self, service: str, until_ms: int) -> None:
        """Note up to when windows were compared."""
        ...
