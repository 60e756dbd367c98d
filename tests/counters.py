"""Random counters, and what ``increase`` makes of them, computed apart from any engine."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from tests.oracle import DAYS, local_day

SCRAPE_MS, SLOT_MS = 15_000, 300_000


@dataclass(kw_only=True)
class Counters:
    """Requests of two instances of one service, good and bad, on one day."""

    number: int
    span: object
    series: dict[tuple[str, str], list[tuple[int, float]]] = field(default_factory=dict)

    def names(self):
        """Give the series in OpenMetrics notation."""
        for (instance, code), samples in self.series.items():
            labels = f'contract="acme",service="{self.number}",instance="{instance}",code="{code}"'
            yield f"requests_total{{{labels}}}", samples


def draw_counters(number: int, *, gaps: bool) -> Counters:
    """Draw counters that start again from zero, stand still, and fail now and then."""
    rng = random.Random(f"counters {number}")
    span = local_day(*DAYS[number % len(DAYS)])
    counters = Counters(number=number, span=span)
    begin, end = span.start_ms - 3_600_000, span.end_ms + 3_600_000
    quiet = _stretch(rng, begin, end)
    failing = _stretch(rng, begin, end)
    for instance in "ab":
        phase = rng.randrange(1, SCRAPE_MS)
        resets = {rng.randrange(begin, end) // SCRAPE_MS for _ in range(rng.randrange(3))}
        gone = _stretch(rng, begin, end) if gaps else (0, 0)
        good = bad = rng.choice([0, 10**6])
        rows: dict[str, list[tuple[int, float]]] = {"200": [], "500": []}
        for at in range(begin + phase, end, SCRAPE_MS):
            if at // SCRAPE_MS in resets:
                good = bad = 0
            if not quiet[0] <= at < quiet[1]:
                rate = rng.choice([0.5, 0.9]) if failing[0] <= at < failing[1] else 0.01
                count = rng.randrange(1, 60)
                wrong = sum(rng.random() < rate for _ in range(count))
                good, bad = good + count - wrong, bad + wrong
            if not gone[0] <= at < gone[1]:
                rows["200"].append((at, good))
                rows["500"].append((at, bad))
        for code, samples in rows.items():
            counters.series[instance, code] = samples
    return counters


def _stretch(rng: random.Random, begin: int, end: int) -> tuple[int, int]:
    start = rng.randrange(begin, end)
    return start, start + rng.randrange(60_000, 4 * 3_600_000)


def prometheus_increase(samples: list[tuple[int, float]], end_ms: int) -> float | None:
    """Compute ``increase(x[5m])`` as Prometheus documents it: resets, then extrapolation."""
    start_ms = end_ms - SLOT_MS
    inside = samples[bisect_left(samples, (start_ms,)) : bisect_left(samples, (end_ms + 1,))]
    if len(inside) < 2:
        return None
    result = inside[-1][1] - inside[0][1]
    for (_, before), (_, after) in pairwise(inside):
        if after < before:
            result += before
    to_start, to_end = (inside[0][0] - start_ms) / 1000, (end_ms - inside[-1][0]) / 1000
    sampled = (inside[-1][0] - inside[0][0]) / 1000
    average = sampled / (len(inside) - 1)
    if result > 0 and inside[0][1] >= 0:
        to_start = min(to_start, sampled * (inside[0][1] / result))
    reach = sampled
    reach += to_start if to_start < average * 1.1 else average / 2
    reach += to_end if to_end < average * 1.1 else average / 2
    return result * (reach / sampled)


def plain_increase(samples: list[tuple[int, float]], end_ms: int) -> float | None:
    """Compute ``increase(x[5m])`` as VictoriaMetrics does: from the sample before the window."""
    first = bisect_left(samples, (end_ms - SLOT_MS + 1,))
    inside = [value for _, value in samples[first : bisect_left(samples, (end_ms + 1,))]]
    if not first or not inside:
        return None
    total, last = 0.0, samples[first - 1][1]
    for value in inside:
        total += value if value < last else value - last
        last = value
    return total


def slots_by_hand(counters: Counters, increase) -> list[tuple[int, Fraction, Fraction]]:
    """Give end, good and total of every slot of the day that has any counter."""
    found = []
    first = -(-counters.span.start_ms // SLOT_MS) * SLOT_MS
    for end in range(first + SLOT_MS, counters.span.end_ms + 1, SLOT_MS):
        counts = {key: increase(samples, end) for key, samples in counters.series.items()}
        known = {key: Fraction(count) for key, count in counts.items() if count is not None}
        if known:
            good = sum((count for (_, code), count in known.items() if code == "200"), Fraction(0))
            found.append((end, good, sum(known.values(), Fraction(0))))
    return found
