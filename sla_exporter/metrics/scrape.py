"""Answering a scrape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from sla_exporter.errors import StoreUnavailable
from sla_exporter.metrics.figures import FigureCollector

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from sla_exporter.metrics.process import ProcessMetrics
    from sla_exporter.ports.figures import FigureStore


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsHandler:
    """Answers scrapes."""

    process: ProcessMetrics
    figures: FigureStore
    per_contract: Callable[[], bool]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Give all metrics; without the database, those of the process, so that it is seen."""
        registry = CollectorRegistry()
        registry.register(self.process.registry)
        try:
            figures = await self.figures.figures()
        except StoreUnavailable:
            self.process.store_errors.inc()
        else:
            registry.register(FigureCollector(figures, per_contract=self.per_contract()))
        return await make_aiohttp_handler(registry)(request)
