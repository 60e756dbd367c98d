"""The cold month: a month that was never looked at, measured from nothing.

Compared with one bare ``avg_over_time`` over the same month on the same Prometheus: the least that
anyone must pay who wants to know anything about it.
"""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from sla_exporter.core.samples import Cadence
from sla_exporter.flow.measuring.measurer import ARRIVAL_MS
from sla_exporter.flow.observe import Observer
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.observations import Observations
from tests.bench import hand_script
from tests.bench.fleet import SERVICE, Fleet, served
from tests.bench.memory import peak_memory_mb

# How long after the end the last sample counts as arrived.
LAG_MS = 2 * Cadence.of(SERVICE.interval_ms or 0).max_gap_ms + ARRIVAL_MS


def run(fleet: Fleet, repeats: int = 3, *, by_hand: bool = False) -> dict[str, Any]:
    """Measure; times are in seconds and only there to explain the ratios."""
    with TemporaryDirectory() as folder, served(fleet, Path(folder)) as url:
        _bare_scan(url, fleet)  # warms the caches of the operating system
        bare, runs = math.inf, []
        for number in range(repeats):  # by turns, so that a busy moment of the machine hits both
            bare = min(bare, _bare_scan(url, fleet))
            runs.append(_observe_apart(url, fleet, Path(folder), number))
        script = hand_script.run(url, SERVICE.selector, fleet.days, fleet.end_ms) if by_hand else {}
    best = min(runs, key=lambda one: one["seconds"])
    if script:
        script["speedup_over_hand_script"] = round(script["hand_script_s"] / best["seconds"], 1)
    return script | {
        "series": fleet.series,
        "days": fleet.days,
        "unclean_hours": fleet.unclean,
        "bare_scan_s": round(bare, 3),
        "observe_s": round(best["seconds"], 3),
        "ratio_to_bare_scan": round(best["seconds"] / bare, 2),
        "requests": best["requests"],
        "windows": best["windows"],
        "peak_memory_mb": max(one["peak_memory_mb"] for one in runs),
    }


def _bare_scan(url: str, fleet: Fleet) -> float:
    query = {
        "query": f"avg_over_time({SERVICE.selector}[{fleet.days}d])",
        "time": fleet.end_ms / 1e3,
    }
    begun = time.perf_counter()
    answer = requests.post(f"{url}/api/v1/query", query, timeout=300).json()
    took = time.perf_counter() - begun
    if len(answer["data"]["result"]) != fleet.series:
        raise RuntimeError("the bare scan did not see every series")
    return took


def _observe_apart(url: str, fleet: Fleet, folder: Path, number: int) -> dict[str, Any]:
    """Observe in a process of its own, so that its memory is its own too."""
    arguments = [url, str(folder / f"observe{number}.db"), str(fleet.start_ms), str(fleet.end_ms)]
    command = [sys.executable, "-m", "tests.bench.cold_month", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


async def _observe(url: str, file: Path, start_ms: int, end_ms: int) -> dict[str, Any]:
    database = Database(sqlite_url(file))
    await database.migrate()
    source, store = PrometheusSource(url), Observations(database)
    observer = Observer(source=source, store=store, settle_after_ms=0)
    begun = time.perf_counter()
    await observer.observe(SERVICE, start_ms, end_ms + LAG_MS)
    seconds = time.perf_counter() - begun
    async with database.read() as connection:
        counted = await connection.exec_driver_sql("SELECT count(*) FROM series_window")
        windows = counted.scalar_one()
    await asyncio.to_thread(source.close)
    await database.close()
    return {
        "seconds": seconds,
        "requests": source.session.requests_made,
        "windows": windows,
        "peak_memory_mb": peak_memory_mb(),
    }


if __name__ == "__main__":
    found = asyncio.run(
        _observe(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    )
    sys.stdout.write(json.dumps(found))
