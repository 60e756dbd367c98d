"""Growth: how the time of a cold month follows the number of series."""

from __future__ import annotations

from typing import Any

from tests.bench import cold_month
from tests.bench.fleet import Fleet
from tests.bench.slope import exponent

SIZES = (250, 1_000, 4_000)


def run(days: int = 7) -> dict[str, Any]:
    """Measure fleets of several sizes; the exponent is the slope between the outer ones."""
    found = {size: cold_month.run(Fleet(series=size, days=days), repeats=2) for size in SIZES}
    slope = exponent({size: one["observe_s"] for size, one in found.items()})
    times = {f"observe_s_{size}": one["observe_s"] for size, one in found.items()}
    ratios = {
        f"ratio_to_bare_scan_{size}": one["ratio_to_bare_scan"] for size, one in found.items()
    }
    requests = {f"requests_{size}": one["requests"] for size, one in found.items()}
    memory = {f"peak_memory_mb_{size}": one["peak_memory_mb"] for size, one in found.items()}
    return {"exponent": slope, **times, **ratios, **requests, **memory}
