"""The hourly tick: an hour that is new, after a month that was observed.

Compared with the least that an hour can be asked for, one ``avg_over_time`` over it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import requests

from sla_exporter.flow.observe import Observer
from sla_exporter.garbage import look_seldom
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
        new_ms = last_day_ms - _TICKS * HOUR_MS
        short = asyncio.run(_ticks(url, Path(folder) / "short.db", new_ms, last_day_ms))
        long = asyncio.run(_ticks(url, Path(folder) / "long.db", fleet.start_ms, last_day_ms))
    return {
        "series": fleet.series,
        "bare_hour_s": round(long["bare"], 4),
        "tick_s": round(long["tick"], 4),
        "ratio_to_bare_query": round(long["tick"] / long["bare"], 2),
        "ratio_of_long_to_short_history": round(
            long["tick"] / long["bare"] / (short["tick"] / short["bare"]), 2
        ),
        "requests": round(long["requests"], 1),
    }


def _bare_hour(url: str, at_ms: int) -> float:
    query = {"query": f"avg_over_time({SERVICE.selector}[1h])", "time": at_ms / 1e3}
    begun = time.perf_counter()
    requests.post(f"{url}/api/v1/query", query, timeout=60).raise_for_status()
    return time.perf_counter() - begun


async def _ticks(url: str, file: Path, from_ms: int, until_ms: int) -> dict[str, float]:
    """Give the medians of a tick and of the bare query over the same hour, asked by turns."""
    database = Database(sqlite_url(file))
    await database.migrate()
    gc.collect()
    look_seldom()  # as serve does
    source = PrometheusSource(url)
    # Each hour is read for good at once: the second pass is a tick of its own kind.
    observer = Observer(source=source, store=Observations(database), settle_after_ms=0)
    await observer.observe(SERVICE, from_ms, until_ms + LAG_MS)
    ticks, bare = [], []
    before = source.session.requests_made
    for hour in range(1, _TICKS + 1):
        end_ms = until_ms + hour * HOUR_MS
        bare.append(await asyncio.to_thread(_bare_hour, url, end_ms))
        begun = time.perf_counter()
        await observer.observe(SERVICE, from_ms, end_ms + LAG_MS)
        ticks.append(time.perf_counter() - begun)
    requests_made = (source.session.requests_made - before) / _TICKS
    await asyncio.to_thread(source.close)
    await database.close()
    return {"tick": median(ticks), "bare": median(bare), "requests": requests_made}
