"""The hourly tick: an hour that is new, after a month that was observed.

Compared with the least that an hour can be asked for, one ``avg_over_time`` over it.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from sla_exporter.flow.observe import Observer
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.observations import Observations
from tests.bench.cold_month import LAG_MS
from tests.bench.fleet import SERVICE, Fleet, served

HOUR_MS = 3_600_000
_TICKS = 24


def run(fleet: Fleet) -> dict[str, Any]:
    """Measure a day of ticks after a day of history, and after all of it."""
    with TemporaryDirectory() as folder, served(fleet, Path(folder)) as url:
        last_day_ms = fleet.end_ms - _TICKS * HOUR_MS
        old_ms = fleet.start_ms
        long = asyncio.run(_ticks(url, Path(folder) / "long.db", old_ms, last_day_ms))
        new_ms = last_day_ms - _TICKS * HOUR_MS
        short = asyncio.run(_ticks(url, Path(folder) / "short.db", new_ms, last_day_ms))
        bare = sorted(_bare_hour(url, fleet, hour) for hour in range(_TICKS))[_TICKS // 2]
    return {
        "series": fleet.series,
        "bare_hour_s": round(bare, 4),
        "tick_s": round(long["seconds"], 4),
        "ratio_to_bare_query": round(long["seconds"] / bare, 2),
        "ratio_of_long_to_short_history": round(long["seconds"] / short["seconds"], 2),
        "requests": long["requests"],
    }


def _bare_hour(url: str, fleet: Fleet, hour: int) -> float:
    at_s = fleet.end_ms / 1e3 - hour * 3600
    query = {"query": f"avg_over_time({SERVICE.selector}[1h])", "time": at_s}
    begun = time.perf_counter()
    answer = requests.post(f"{url}/api/v1/query", query, timeout=60).json()
    took = time.perf_counter() - begun
    if len(answer["data"]["result"]) < fleet.series * 0.9:
        raise RuntimeError("the bare query did not see the series")
    return took


async def _ticks(url: str, file: Path, from_ms: int, until_ms: int) -> dict[str, Any]:
    database = Database(sqlite_url(file))
    await database.migrate()
    source = PrometheusSource(url)
    # Each hour is read for good at once: the second pass is a tick of its own kind.
    observer = Observer(source=source, store=Observations(database), settle_after_ms=0)
    await observer.observe(SERVICE, from_ms, until_ms + LAG_MS)
    took: list[float] = []
    before = source.session.requests_made
    for hour in range(1, _TICKS + 1):
        begun = time.perf_counter()
        await observer.observe(SERVICE, from_ms, until_ms + hour * HOUR_MS + LAG_MS)
        took.append(time.perf_counter() - begun)
    requests_made = (source.session.requests_made - before) / _TICKS
    await asyncio.to_thread(source.close)
    await database.close()
    return {"seconds": sorted(took)[_TICKS // 2], "requests": requests_made}
