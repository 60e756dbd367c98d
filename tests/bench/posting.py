"""Closing a month: does the time for each contract stay the same as they get more?

A third of the contracts has an outage, and two in a hundred get a credit. Everything is done that a
run of the service does, from what was observed on: evidence, policy, brakes, entries in the chain,
balances, notices of credits with their pictures, orders, and how the next period stands.
"""

from __future__ import annotations

import asyncio
import gc
import json
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
from sla_exporter.garbage import look_seldom
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.ports.settling import Routes
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.observations import Observations
from tests.bench.memory import peak_memory_mb
from tests.bench.slope import exponent
from tests.cast import DAY, HOUR, MINUTE, catalogue, contract
from tests.office import Office
from tests.postgres import PostgresServer

MONTH = Period.month("2026-10", "UTC")
NOW_MS = MONTH.span.end_ms + 2 * DAY
_SIZES = (10_000, 50_000, 100_000)
# Two in a hundred are many at once, and would wait for a person.
NO_BRAKES = Brakes(run=Budget(), period=Budget(), at_least=10**9)


def run(
    sizes: tuple[int, ...] = _SIZES, on_postgresql: int = 10_000, with_statements: int = 2_000
) -> dict[str, Any]:
    """Settle fleets of these sizes, each in a process of its own."""
    closed = {size: _closed(size) for size in sizes}
    slope = exponent({size: one["seconds"] for size, one in closed.items()})
    found: dict[str, Any] = {"exponent": slope}
    for size, one in closed.items():
        found |= _told(str(size), size, one)
    with PostgresServer(durable=True) as server:
        url = server.fresh_database()
        found |= _told(f"postgresql_{on_postgresql}", on_postgresql, _closed(on_postgresql, url))
    statements = _closed(with_statements, statements=True)
    return found | _told(f"statements_{with_statements}", with_statements, statements)


def _told(name: str, size: int, one: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}_s": round(one["seconds"], 2),
        f"{name}_contracts_per_s": round(size / one["seconds"]),
        f"{name}_entries": one["entries"],
        f"{name}_peak_memory_mb": one["peak_memory_mb"],
    }


def _closed(size: int, url: str = "", *, statements: bool = False) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        url = url or sqlite_url(Path(folder) / "bench.db")
        command = [sys.executable, "-m", "tests.bench.posting", url, str(size), str(statements)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def _close(url: str, size: int, *, statements: bool) -> dict[str, Any]:
    database = Database(url)
    await database.migrate()
    book, states = fleet(size)
    await seed(database, states, Window(MONTH.span.start_ms, NOW_MS))
    states.clear()  # it stands in the database now, and nobody keeps it in memory
    gc.collect()
    look_seldom()  # as serve does, when it has read whom there is
    office = Office(database, brakes=NO_BRAKES)
    routes = Routes(notices="file", credits="file", statements=statements)
    office.reconciler = replace(office.reconciler, routes=routes)
    begun = time.perf_counter()
    written = await office.settle(book, NOW_MS)
    await office.keep_up(book, NOW_MS)
    await office.reconciler.stand(book, NOW_MS)
    seconds = time.perf_counter() - begun
    audit = await office.reader.audit()
    await database.close()
    if written != size or audit.problems:
        raise RuntimeError(f"{written} of {size} were settled; {audit.problems[:3]}")
    return {
        "seconds": seconds,
        "entries": audit.entries,
        "peak_memory_mb": peak_memory_mb(),
    }


async def seed(database: Database, states: dict[Any, SeriesState], span: Window) -> None:
    """Write down what was observed of a service."""
    mark = Watermark(
        interval_ms=MINUTE,
        from_ms=span.start_ms,
        fresh_until_ms=span.end_ms,
        final_until_ms=span.end_ms,
    )
    await Observations(database).record("web", span, Observation(states=states), mark)


def fleet(
    size: int, label: str = "customer", start_ms: int = MONTH.span.start_ms, hours: int = 700
) -> tuple[Catalogue, dict[Any, SeriesState]]:
    """Make contracts, and what was down of them: one in fifty for long, a third for minutes."""
    contracts: list[Contract] = []
    states: dict[Any, SeriesState] = {}
    for number in range(size):
        name = f"c{number}"
        customer = Customer(id=name, name=name, currency="EUR", email=(f"ops@{name}.example",))
        contracts.append(contract(customer))
        begun_ms = start_ms + (number % hours) * HOUR
        minutes = 95 if number % 50 == 0 else 5 if number % 3 == 0 else 0
        down = Window(begun_ms, begun_ms + minutes * MINUTE)
        states[((label, name),)] = SeriesState(down=(down,)) if minutes else UP
    return catalogue(*contracts), states


if __name__ == "__main__":
    _, _url, _size, _statements = sys.argv
    _found = asyncio.run(_close(_url, int(_size), statements=_statements == "True"))
    sys.stdout.write(json.dumps(_found))
