"""Corroborate: ask for a second opinion before a credit is given.

Only where something is owed, so that a monitoring service is asked a few times a month. An answer
is kept for a day. A source that does not answer is left in peace for some minutes: settling goes
on, and the credit waits for a person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from sla_exporter.core.periods import DAY_MS
from sla_exporter.core.second_opinion import Opinion
from sla_exporter.errors import SourceError, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_exporter.core.catalogue import Contract
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.windows import Window
    from sla_exporter.ports import Clock
    from sla_exporter.ports.evidence import OpinionStore, SecondOpinion

_log = structlog.get_logger(__name__)

_KEPT_MS = DAY_MS
_PEACE_MS = 5 * 60_000


@dataclass(slots=True, kw_only=True)
class Corroborator:
    """Asks second opinions, by the name of the service."""

    sources: Mapping[str, SecondOpinion]
    store: OpinionStore
    clock: Clock
    _quiet: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def ask(self, contract: Contract, span: Window) -> Opinion | None:
        """Give what is said about a contract; ``None`` where nobody is to be asked."""
        source = self.sources.get(contract.service)
        if source is None:
            return None
        try:
            state = await self._state(source, contract, span)
        except SourceError as error:
            _log.warning("no second opinion", contract=contract.id, error=str(error))
            return Opinion(source=source.name, tolerance_ms=source.tolerance_ms, problem=str(error))
        return Opinion(source=source.name, tolerance_ms=source.tolerance_ms, state=state)

    async def _state(self, source: SecondOpinion, contract: Contract, span: Window) -> SeriesState:
        now_ms = self.clock.now_ms()
        kept = await self.store.kept(source.name, contract.id, span, now_ms - _KEPT_MS)
        if kept is not None:
            return kept
        until_ms, said = self._quiet.get(contract.service, (0, ""))
        if now_ms < until_ms:
            raise SourceUnavailable(said)
        try:
            state = await source.state(contract, span)
        except SourceUnavailable as error:
            self._quiet[contract.service] = (now_ms + _PEACE_MS, str(error))
            raise
        await self.store.keep(source.name, contract.id, span, state, now_ms)
        return state
