"""Settling: a tiered policy and three outages each, beside a loop that only sums the windows."""

from __future__ import annotations

import random
import time
from typing import Any

from sla_exporter.core.windows import Window, total_ms
from tests.cast import ACME, MINUTE, at, contract, settled

OUTAGES = 3


def run(count: int = 100_000, seed: int = 7) -> dict[str, Any]:
    """Settle so many contracts; times are seconds of one core."""
    months = _months(count, random.Random(seed))
    of = contract(ACME, "499.90")
    begun = time.process_time()
    owed = sum(settled(*month, of=of).credit.minor for month in months)
    took = time.process_time() - begun
    begun = time.process_time()
    down_ms = sum(total_ms(month) for month in months)
    bare = time.process_time() - begun
    return {
        "settlements": count,
        "seconds": round(took, 2),
        "settlements_per_second": round(count / took),
        "bare_loop_per_second": round(count / bare),
        "ratio_to_bare_loop": round(took / bare, 1),
        "owed_minor": owed,
        "down_hours": down_ms // 3_600_000,
    }


def _months(count: int, draw: random.Random) -> list[tuple[Window, ...]]:
    return [
        tuple(
            Window(at(day), at(day) + draw.randrange(1, 240) * MINUTE)
            for day in sorted(draw.sample(range(1, 31), OUTAGES))
        )
        for _ in range(count)
    ]
