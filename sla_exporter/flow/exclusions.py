"""Exclusions: what operators enter and withdraw, and what is taken over from silences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from sla_exporter.core.exclusions import Withdrawal
from sla_exporter.errors import NotPossible

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.exclusions import Scope, StatedExclusion
    from sla_exporter.core.windows import Window
    from sla_exporter.ports import Clock
    from sla_exporter.ports.evidence import ExclusionStore, SilenceSource

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionDesk:
    """Takes exclusions from people; command line and API both come here."""

    store: ExclusionStore
    clock: Clock

    async def add(self, catalogue: Catalogue, exclusion: StatedExclusion) -> StatedExclusion:
        """Enter an exclusion; without a moment given, it is announced now.

        Raises:
            NotPossible: if it speaks of nothing that there is, or nobody says who and why.
        """
        check_said(exclusion.who, exclusion.why)
        check_scope(catalogue, exclusion.scope)
        if exclusion.window.length_ms <= 0:
            raise NotPossible("an exclusion must end after it begins")
        now_ms = self.clock.now_ms()
        announced = exclusion.announced_at_ms
        if announced is not None and announced > now_ms:
            raise NotPossible("an exclusion cannot have been announced in the future")
        entered = replace(
            exclusion,
            announced_at_ms=now_ms if announced is None else announced,
            recorded_at_ms=now_ms,
        )
        return replace(entered, key=await self.store.add(entered, now_ms))

    async def withdraw(self, key: str, who: str, why: str) -> None:
        """Take an exclusion back; it stays in the records.

        Raises:
            NotPossible: if there is none, or it was withdrawn before, or nobody says who and why.
        """
        check_said(who, why)
        if key.startswith("configuration/"):
            raise NotPossible(f"{key} stands in the configuration; take it out there")
        await self.store.withdraw(key, Withdrawal(who=who, why=why, at_ms=self.clock.now_ms()))

    async def listed(self, catalogue: Catalogue, span: Window) -> list[StatedExclusion]:
        """Give everything that touches the span, from wherever it comes, withdrawn or not."""
        return await stated_exclusions(catalogue, self.store, span)


async def stated_exclusions(
    catalogue: Catalogue, store: ExclusionStore, span: Window
) -> list[StatedExclusion]:
    """Give everything that touches the span, in order of time."""
    configured = [
        exclusion
        for exclusion in catalogue.exclusions
        if exclusion.window.start_ms < span.end_ms and exclusion.window.end_ms > span.start_ms
    ]
    stored = await store.stated(span, catalogue.maintenance_silences)
    return sorted((*configured, *stored), key=lambda exclusion: (exclusion.window, exclusion.key))


async def take_silences(source: SilenceSource, store: ExclusionStore, now_ms: int) -> int:
    """Keep every version of every silence that was not seen before, and say how many."""
    versions = await source.silences()
    written = await store.record_silences(versions, now_ms)
    if written:
        _log.info("silences kept", versions=written)
    return written


def check_said(who: str, why: str) -> None:
    """See that somebody stands for it, and says why.

    Raises:
        NotPossible: if not.
    """
    if not who.strip() or not why.strip():
        raise NotPossible("say who decides this, and why")


def check_scope(catalogue: Catalogue, scope: Scope) -> None:
    """See that a scope speaks of something that there is.

    Raises:
        NotPossible: if not.
    """
    if scope.is_empty:
        raise NotPossible("name a service, a contract or matchers; nothing is excluded for all")
    if scope.service is not None and scope.service not in catalogue.services:
        there = ", ".join(sorted(catalogue.services))
        raise NotPossible(f"there is no service {scope.service!r}; there are: {there}")
    if scope.contract is not None and not catalogue.knows(scope.contract):
        raise NotPossible(f"there is no contract and no customer {scope.contract!r}")
