"""Settling and posting a month: does the time for each contract stay the same as they get more?

A third of the contracts has an outage, and one in ten of those gets a credit. Everything is done
that a run does: evidence, policy, brakes, entries in the chain, balances, orders; only notices are
left out, as their pictures would hide the rest.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sla_exporter.core.brakes import Brakes, Budget
from sla_exporter.core.catalogue import Catalogue, Contract, Customer
from sla_exporter.core.periods import Period
from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.core.windows import Window
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.ports.settling import Routes
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.observations import Observations
from tests.cast import DAY, HOUR, MINUTE, catalogue, contract
from tests.office import Office

MONTH = Period.month("2026-10", "UTC")
NOW_MS = MONTH.span.end_ms + 2 * DAY
_BRAKES = Brakes(run=Budget(), period=Budget(), at_least=10**9)


def run(sizes: tuple[int, ...] = (10_000, 50_000, 100_000)) -> dict[str, Any]:
    """Settle fleets of these sizes, each in a process of its own."""
    found: dict[str, Any] = {}
    for size in sizes:
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tests.bench.posting", folder, str(size)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        one = json.loads(done.stdout)
        found[f"{size}_s"] = round(one["seconds"], 2)
        found[f"{size}_us_per_contract"] = round(one["seconds"] / size * 1e6)
        found[f"{size}_entries"] = one["entries"]
        found[f"{size}_peak_memory_mb"] = one["peak_memory_mb"]
    first, last = sizes[0], sizes[-1]
    ratio = found[f"{last}_us_per_contract"] / found[f"{first}_us_per_contract"]
    found["ratio_per_contract_last_to_first"] = round(ratio, 2)
    return found


async def _settle(folder: Path, size: int) -> dict[str, Any]:
    database = Database(sqlite_url(folder / "bench.db"))
    await database.migrate()
    book, states = _fleet(size)
    mark = Watermark(
        interval_ms=MINUTE,
        from_ms=MONTH.span.start_ms,
        fresh_until_ms=NOW_MS,
        final_until_ms=NOW_MS,
    )
    span = Window(MONTH.span.start_ms, NOW_MS)
    await Observations(database).record("web", span, Observation(states=states), mark)
    office = Office(database, brakes=_BRAKES, plain=True)
    routes = Routes(notices="file", credits="file", statements=False)
    office.reconciler = replace(office.reconciler, routes=routes)
    begun = time.perf_counter()
    written = await office.settle(book, NOW_MS)
    seconds = time.perf_counter() - begun
    audit = await office.reader.audit()
    await database.close()
    if written != size or audit.problems:
        raise RuntimeError(f"{written} of {size} were settled; {audit.problems[:3]}")
    return {
        "seconds": seconds,
        "entries": audit.entries,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _fleet(size: int) -> tuple[Catalogue, dict[Any, SeriesState]]:
    contracts: list[Contract] = []
    states: dict[Any, SeriesState] = {}
    for number in range(size):
        name = f"c{number:06}"
        contracts.append(contract(Customer(id=name, name=name, currency="EUR")))
        start = MONTH.span.start_ms + (number % 700) * HOUR
        minutes = 95 if number % 30 == 0 else 5
        down = (Window(start, start + minutes * MINUTE),) if number % 3 == 0 else ()
        states[(("customer", name),)] = SeriesState(down=down) if down else UP
    return catalogue(*contracts), states


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_settle(Path(sys.argv[1]), int(sys.argv[2])))))
