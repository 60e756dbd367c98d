"""A second opinion on measuring: second by second, over the same samples, as slowly as can be.

Knows nothing of scans, windows or quorum code: a state is a byte per second.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window

UP, DOWN, UNKNOWN = 0, 1, 2

# A day with a clock change that ends in the night, one that skips half an hour, one without a
# midnight, and one as any other.
DAYS = (
    ("Europe/Berlin", "2025-10-26"),
    ("Australia/Lord_Howe", "2025-10-05"),
    ("America/Santiago", "2025-09-07"),
    ("Asia/Kathmandu", "2025-10-10"),
)
QUORUMS = ("all", "any", "1 of 3", "2 of 3", "3 of 5")


@dataclass(kw_only=True)
class Fleet:
    """Vantage points of one contract, and the day that is to be measured."""

    number: int
    span: Window
    interval_s: int
    quorum: str
    min_known: int
    series: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def names(self, metric: str = "probe_success"):
        """Give the series in OpenMetrics notation, samples in milliseconds."""
        for point, samples in self.series.items():
            name = f'{metric}{{contract="acme",fleet="{self.number}",point="{point}"}}'
            yield name, [(at * 1000, value) for at, value in samples]


def local_day(zone: str, day: str) -> Window:
    """Say when a local day begins and ends, by asking for its first moments."""
    tz, first = ZoneInfo(zone), datetime.fromisoformat(day)
    edges = (first, first + timedelta(days=1))
    return Window(*(round(edge.replace(tzinfo=tz).timestamp() * 1000) for edge in edges))


def draw_fleet(number: int) -> Fleet:
    """Draw a fleet with every kind of trouble there is."""
    rng = random.Random(f"oracle {number}")
    span = local_day(*DAYS[number % len(DAYS)])
    points = rng.choice([1, 2, 3, 3, 3, 5])
    fleet = Fleet(
        number=number,
        span=span,
        interval_s=rng.choice([15, 30, 60, 60]),
        quorum=rng.choice(QUORUMS),
        min_known=rng.choice([1, 1, 2]),
    )
    begin, end = span.start_ms // 1000 - 7200, span.end_ms // 1000 + 3600
    shared = _stretches(rng, begin, end, "0.")  # the service is down, or all probers die
    for point in range(points):
        fleet.series[f"p{point}"] = _draw_series(rng, fleet.interval_s, begin, end, shared)
    return fleet


def _stretches(rng: random.Random, begin: int, end: int, kinds: str) -> list[tuple[str, int, int]]:
    found = []
    for _ in range(rng.randrange(4)):
        start = rng.randrange(begin, end)
        found.append((rng.choice(kinds), start, start + rng.choice([20, 90, 200, 2000, 20_000])))
    return found


def _draw_series(
    rng: random.Random, interval: int, begin: int, end: int, shared: list[tuple[str, int, int]]
) -> list[tuple[int, int]]:
    troubles = [*shared, *_stretches(rng, begin, end, "0.+")]
    jitter = rng.choice([0, 0, interval // 5, interval // 2 - 1])
    noise = rng.choice([0, 0.0005, 0.01])
    first = rng.choice([begin] * 6 + [rng.randrange(begin, end)])
    last = rng.choice([end] * 6 + [rng.randrange(begin, end)])
    samples: list[tuple[int, int]] = []
    for slot in range(begin + rng.randrange(interval), end, interval):
        at = slot + (rng.randint(-jitter, jitter) if jitter else 0)
        kind = next((kind for kind, a, b in troubles if a <= slot < b), "1")
        kind = rng.choice("0.+") if rng.random() < noise else kind
        if kind == "." or not first <= at < last or (samples and at <= samples[-1][0]):
            continue
        samples.append((at, 0 if kind == "0" else 1))
        if kind == "+":
            samples.append((at, 1))  # a twin scraper wrote it too
    return samples


def every_second(samples: list[tuple[int, int]], span: Window, interval: int) -> bytearray:
    """Give the state at each second of the span, by the rule for samples."""
    begin, end = span.start_ms // 1000, span.end_ms // 1000
    seconds = bytearray([UNKNOWN]) * (end - begin)
    distinct = sorted(dict(samples).items())
    for index, (at, value) in enumerate(distinct):
        following = distinct[index + 1][0] if index + 1 < len(distinct) else at + 10**9
        lasts = following - at if 2 * (following - at) <= 5 * interval else interval
        low, high = max(at, begin), min(at + lasts, end)
        if low < high:
            state = bytes([UP if value else DOWN])
            seconds[low - begin : high - begin] = state * (high - low)
    return seconds


def judge(states: list[bytearray], quorum: str, min_known: int, span: Window) -> bytearray:
    """Judge every second by itself: how many are known, how many of them are down."""
    if not states:
        return bytearray([UNKNOWN]) * (span.length_ms // 1000)
    verdicts: dict[tuple[int, ...], int] = {}
    result = bytearray()
    for moment in zip(*states, strict=True):
        if moment not in verdicts:
            known = [state for state in moment if state != UNKNOWN]
            needed = {"all": len(known), "any": 1}.get(quorum, quorum[0])
            needed = int(needed)
            if not known or len(known) < needed or len(known) < min_known:
                verdicts[moment] = UNKNOWN
            else:
                verdicts[moment] = DOWN if known.count(DOWN) >= needed else UP
        result.append(verdicts[moment])
    return result


def as_windows(seconds: bytearray, span: Window) -> SeriesState:
    """Write seconds as windows."""
    found: dict[int, list[Window]] = {UP: [], DOWN: [], UNKNOWN: []}
    position = span.start_ms
    for state, run in groupby(seconds):
        end = position + 1000 * sum(1 for _ in run)
        found[state].append(Window(position, end))
        position = end
    return SeriesState(down=tuple(found[DOWN]), unknown=tuple(found[UNKNOWN]))
