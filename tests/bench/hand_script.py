"""What a team would write by hand: pull all raw samples day by day, and sum them in Python.

With prometheus-api-client as its manual shows it, in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from prometheus_api_client import PrometheusConnect

DAY_S = 86_400


def run(url: str, selector: str, days: int, end_ms: int) -> dict[str, Any]:
    """Run the script once, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.hand_script", url, selector]
    command += [str(days), str(end_ms // 1000)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def availability(url: str, selector: str, days: int, end_s: int) -> dict[str, float]:
    """Give the share of good samples of every series."""
    client = PrometheusConnect(url=url)
    good: dict[str, int] = {}
    seen: dict[str, int] = {}
    for day in range(days):
        at = end_s - (days - day - 1) * DAY_S
        for series in client.custom_query(f"{selector}[1d]", {"time": str(at)}):
            name = str(sorted(series["metric"].items()))
            values = [float(value) for _, value in series["values"]]
            good[name] = good.get(name, 0) + sum(value == 1 for value in values)
            seen[name] = seen.get(name, 0) + len(values)
    return {name: good[name] / count for name, count in seen.items()}


if __name__ == "__main__":
    begun = time.perf_counter()
    found = availability(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    took = time.perf_counter() - begun
    result = {"hand_script_s": round(took, 3), "hand_script_series": len(found)}
    sys.stdout.write(json.dumps(result))
