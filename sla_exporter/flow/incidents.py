"""Incidents entered or dismissed by people; command line and API both come here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.incidents import (
    Amendment,
    Change,
    IncidentNote,
    IncidentWindow,
    fingerprint_of,
)
from sla_exporter.errors import NotPossible
from sla_exporter.flow.exclusions import check_said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.windows import Window
    from sla_exporter.ports import Clock
    from sla_exporter.ports.incidents import IncidentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDesk:
    """Takes what people say about incidents; nothing is removed, everything is noted."""

    incidents: IncidentStore
    clock: Clock

    async def listed(self, span: Window) -> Sequence[IncidentWindow]:
        """Give every incident that touches the span, dismissed or not, with its notes."""
        return await self.incidents.overlapping(span)

    async def add(
        self,
        catalogue: Catalogue,
        *,
        contract: str,
        name: str,
        window: Window,
        who: str,
        why: str,
    ) -> IncidentWindow:
        """Enter an incident, however long ago it was.

        Raises:
            NotPossible: if there is no such contract, or the window is not in the past.
        """
        check_said(who, why)
        if contract not in {known.id for known in catalogue.contracts}:
            raise NotPossible(f"there is no contract {contract!r}")
        now_ms = self.clock.now_ms()
        if not window.start_ms < window.end_ms <= now_ms:
            raise NotPossible("an incident must end after it begins, and not in the future")
        labels = {"alertname": name, "contract": contract}
        incident = IncidentWindow(
            fingerprint=fingerprint_of(labels),
            starts_at_ms=window.start_ms,
            ends_at_ms=window.end_ms,
            labels=labels,
            contract=contract,
        )
        if not await self._amend(incident, Change.ADDED, who, why):
            raise NotPossible(f"there is an incident {incident.key} already")
        return incident

    async def dismiss(self, fingerprint: str, starts_at_ms: int, *, who: str, why: str) -> None:
        """Mark an incident as a false positive: it counts as not having happened.

        Raises:
            NotPossible: if there is no such incident, or it is dismissed already.
        """
        await self._judge(fingerprint, starts_at_ms, Change.DISMISSED, who, why)

    async def restore(self, fingerprint: str, starts_at_ms: int, *, who: str, why: str) -> None:
        """Take a dismissal back.

        Raises:
            NotPossible: if there is no such incident, or it is not dismissed.
        """
        await self._judge(fingerprint, starts_at_ms, Change.RESTORED, who, why)

    async def _judge(
        self, fingerprint: str, starts_at_ms: int, what: Change, who: str, why: str
    ) -> None:
        check_said(who, why)
        incident = await self.incidents.find(fingerprint, starts_at_ms)
        if incident is None:
            raise NotPossible("there is no such incident")
        if incident.is_dismissed == (what is Change.DISMISSED):
            state = "is dismissed already" if incident.is_dismissed else "is not dismissed"
            raise NotPossible(f"{incident.key} {state}")
        await self._amend(incident, what, who, why)

    async def _amend(self, incident: IncidentWindow, what: Change, who: str, why: str) -> bool:
        note = IncidentNote(what=what, who=who, why=why, at_ms=self.clock.now_ms())
        return bool(await self.incidents.amend([Amendment(window=incident, note=note)]))
