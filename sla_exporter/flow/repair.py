"""Repair: incident windows that webhooks lost, cut short or left open are mended.

Webhooks are a hint: an alert that fires and resolves within ``group_wait`` is never sent, nor is a
resolve under a silence. What Prometheus and Alertmanager know is compared with what arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from sla_exporter.core.due import needed_from_ms
from sla_exporter.core.matchers import all_match
from sla_exporter.core.periods import DAY_MS
from sla_exporter.core.repairs import (
    GRACE_MS,
    Firing,
    Relabelling,
    by_list,
    by_series,
    firings_of,
    intervals_of,
)
from sla_exporter.core.windows import Window
from sla_exporter.errors import SlaExporterError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from sla_exporter.core.catalogue import Catalogue, Service
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.ports.evidence import FiringSource, PointSource, RuleSource
    from sla_exporter.ports.incidents import IncidentStore

_log = structlog.get_logger(__name__)

_AGAIN_MS = 6 * 3_600_000  # alerts and webhooks of the last hours are compared once more
_LONGEST_MS = 92 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairer:
    """Mends incident windows; stateless but for its adapters."""

    incidents: IncidentStore
    series: PointSource
    rules: RuleSource
    alertmanager: FiringSource | None
    relabelling: Relabelling
    settle_after_ms: int

    async def repair(self, catalogue: Catalogue, now_ms: int) -> int:
        """Compare the windows of all services that have alerts, and say how many were mended.

        Raises:
            SlaExporterError: the first failure, once Alertmanager and all services had their turn.
        """
        made = 0
        failures: list[SlaExporterError] = []
        for where, compare in self._comparisons(catalogue, now_ms):
            try:
                made += await compare()
            except SlaExporterError as error:
                _log.warning("incident windows not compared", where=where, error=str(error))
                failures.append(error)
        if made:
            _log.info("incident windows mended", windows=made)
        if failures:
            raise failures[0]
        return made

    def _comparisons(
        self, catalogue: Catalogue, now_ms: int
    ) -> Iterator[tuple[str, Callable[[], Awaitable[int]]]]:
        services = [s for s in catalogue.services.values() if s.incident_matchers]
        if services:
            yield "Alertmanager", partial(self._by_list, services, now_ms)
        for service in services:
            from_ms = needed_from_ms(catalogue, service.name, now_ms, self.settle_after_ms)
            if from_ms is not None:
                yield service.name, partial(self.by_series, service, from_ms, now_ms)

    async def by_series(self, service: Service, from_ms: int, now_ms: int) -> int:
        """Compare a service's windows with ``ALERTS``; from where it was left off, or ``from_ms``.

        Raises:
            SourceError: nothing is lost then; the next run begins at the same place.
        """
        mark = await self.incidents.repaired_until(service.name)
        start_ms = from_ms if mark is None else mark - _AGAIN_MS
        open_since = [
            window.starts_at_ms
            for window in await self._known(service, Window(start_ms, now_ms))
            if window.ends_at_ms is None
        ]
        start_ms = max(min([start_ms, *open_since]) - GRACE_MS, now_ms - _LONGEST_MS)
        span = Window(start_ms, now_ms)
        intervals = await self.rules.by_alert()
        firings = await self._firings(service, span, intervals)
        known = await self._known(service, span)
        made = await self.incidents.amend([*by_series(known, firings, now_ms)])
        await self.incidents.mark_repaired(service.name, now_ms)
        return made

    async def _firings(
        self, service: Service, span: Window, intervals: Mapping[str, int]
    ) -> list[Firing]:
        """Read what fired in a span; a firing that began before it, from where it began."""
        found = await self.series.points(self._selector(service), span)
        alerts = [
            (self.relabelling.apply(dict(labels)), [at for at, _ in points])
            for labels, points in found.items()
        ]
        inferred = intervals_of([(told.get("alertname", ""), moments) for told, moments in alerts])
        firings: list[Firing] = []
        for (told, moments), inferred_ms in zip(alerts, inferred, strict=True):
            interval_ms = intervals.get(told.get("alertname", ""), inferred_ms)
            if all_match(service.incident_matchers, told):
                firings.extend(firings_of(told, moments, interval_ms, span.end_ms))
        is_cut = any(f.window.starts_at_ms <= span.start_ms + 3 * f.interval_ms for f in firings)
        if is_cut and span.length_ms < _LONGEST_MS:
            earlier = Window(span.start_ms - span.length_ms, span.end_ms)
            return await self._firings(service, earlier, intervals)
        return firings

    def _selector(self, service: Service) -> str:
        """Select the service's alerts by those of its matchers that speak of the series' labels."""
        elsewhere = self.relabelling.added.keys() | self.relabelling.dropped
        own = [str(m) for m in service.incident_matchers if m.label not in elsewhere]
        inside = ",".join(['alertstate="firing"', *own])
        return f"ALERTS{{{inside}}}"

    async def _by_list(self, services: Sequence[Service], now_ms: int) -> int:
        """Compare with what Alertmanager lists as firing."""
        if self.alertmanager is None:
            return 0
        listed = [
            window
            for window in await self.alertmanager.firing()
            if any(all_match(service.incident_matchers, window.labels) for service in services)
        ]
        await self.incidents.listed(listed, now_ms)
        # Also those that have ended, if they are listed: one may have opened again.
        earliest = min([now_ms - _LONGEST_MS, *(window.starts_at_ms for window in listed)])
        known = await self.incidents.known(Window(earliest, now_ms))
        return await self.incidents.amend([*by_list(known, listed, now_ms)])

    async def _known(self, service: Service, span: Window) -> list[IncidentWindow]:
        return [
            window
            for window in await self.incidents.known(span)
            if window.contract is None and all_match(service.incident_matchers, window.labels)
        ]
