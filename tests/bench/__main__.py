"""``python -m tests.bench``: run the benchmarks, print a table, write ``build/bench.json``.

Each runs in a process of its own, so that none carries what another left in memory.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sla_exporter import logs
from sla_exporter.cli.tables import table
from tests.bench import (
    cold_month,
    deliveries,
    growth,
    notices,
    posting,
    settling,
    steady_state,
    tick,
    webhooks,
)
from tests.bench.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable

BENCHMARKS: dict[str, Callable[[], dict[str, Any]]] = {
    "deliveries": lambda: deliveries.run(10_000),
    "notices": lambda: notices.run(2_000),
    "settling": settling.run,
    "cold_month": lambda: cold_month.run(Fleet(), by_hand=True),
    "webhooks": webhooks.run,
    "cold_month_troubled": lambda: cold_month.run(Fleet(unclean=0.01)),
    "tick": lambda: tick.run(Fleet()),
    "growth": growth.run,
    "posting": posting.run,
    "steady_state": steady_state.run,
}


_ONE = "--one"


def main(names: list[str]) -> None:
    """Run the benchmarks named, or all of them."""
    results: dict[str, Any] = {}
    for name in names or BENCHMARKS:
        sys.stderr.write(f"{name} ...\n")
        results[name] = _apart(name)
        rows = [(key, str(value)) for key, value in results[name].items()]
        sys.stdout.write(f"{table((name, ''), rows)}\n\n")
    target = Path("build") / "bench.json"
    target.parent.mkdir(exist_ok=True)
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    target.write_text(json.dumps({"machine": machine, **results}, indent=2) + "\n")
    sys.stdout.write(f"written to {target}\n")


def _apart(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench", _ONE, name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def one(name: str) -> None:
    """Run a benchmark here and write what it found as JSON."""
    logs.configure("error", "logfmt")
    sys.stdout.write(json.dumps(BENCHMARKS[name]()))


if __name__ == "__main__":
    if sys.argv[1:2] == [_ONE]:
        one(sys.argv[2])
    else:
        main(sys.argv[1:])
