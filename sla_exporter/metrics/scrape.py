"""Answering a scrape.

How the open periods stand is most of what there is to say, and changes once in minutes: it is
written anew only when it did.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from sla_exporter.errors import StoreUnavailable
from sla_exporter.metrics.figures import FigureCollector, StandingCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prometheus_client.registry import Collector

    from sla_exporter.metrics.process import ProcessMetrics
    from sla_exporter.ports.figures import Figures, FigureStore, Standing

    Encoder = Callable[[Collector], bytes]

_FORMATS = 4  # kept at once; who scrapes us names the format, and could name any number
_END = b"# EOF\n"  # of OpenMetrics; the older format has none


class _Written(NamedTuple):
    """What was said of these standings, in one format."""

    standings: Sequence[Standing]
    per_contract: bool
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsHandler:
    """Answers scrapes."""

    process: ProcessMetrics
    figures: FigureStore
    per_contract: Callable[[], bool]
    _written: dict[str, _Written] = field(default_factory=dict)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Give all metrics; without the database, those of the process, so that it is seen."""
        encode, content_type = choose_encoder(",".join(request.headers.getall(hdrs.ACCEPT, [])))
        names = request.query.getall("name[]", [])
        registry = CollectorRegistry(auto_describe=bool(names))  # who picks names must know them
        registry.register(self.process.registry)
        figures = await self._figures()
        if figures:
            registry.register(FigureCollector(figures))
        if figures and names:
            per_contract = self.per_contract()
            registry.register(StandingCollector(figures.standings, per_contract=per_contract))
        body = encode(registry.restricted_registry(names) if names else registry)
        if figures and not names:
            text = await self._of_standings(figures.standings, encode, content_type)
            body = body.removesuffix(_END) + text
        response = web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})
        response.enable_compression()
        return response

    async def _figures(self) -> Figures | None:
        try:
            return await self.figures.figures()
        except StoreUnavailable:
            self.process.store_errors.inc()
            return None

    async def _of_standings(
        self, standings: Sequence[Standing], encode: Encoder, content_type: str
    ) -> bytes:
        per_contract, known = self.per_contract(), self._written.get(content_type)
        if known and known.standings is standings and known.per_contract == per_contract:
            return known.text
        collector = StandingCollector(standings, per_contract=per_contract)
        text = await asyncio.to_thread(encode, collector)
        if len(self._written) >= _FORMATS:
            self._written.clear()
        self._written[content_type] = _Written(standings, per_contract, text)
        return text
