"""Measuring on real engines, against reading every single sample."""

from __future__ import annotations

import random

import pytest

from sla_exporter.core.samples import UP, Cadence, read_samples
from sla_exporter.core.windows import Window
from sla_exporter.demo.history import openmetrics_name
from sla_exporter.flow.observe import Observer
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.store.memory import MemoryObservations
from tests.cast import DAY, HOUR, MINUTE, WEB

NOW = 1_750_000_000_000 // DAY * DAY  # well in the past: VictoriaMetrics takes no future samples
START = NOW - 5 * DAY


def troubled(rng: random.Random, jitter_ms: int) -> list[tuple[int, int]]:
    """Draw a series: phase, jitter, single bad samples, outages, gaps, a late start or an end."""
    phase = rng.randrange(MINUTE)
    spans = [
        (rng.choice("0."), start, start + rng.randrange(1, 400) * MINUTE)
        for start in (rng.randrange(START, NOW) for _ in range(rng.randrange(4)))
    ]
    first = rng.choice([START - HOUR] * 8 + [rng.randrange(START, NOW)])
    last = rng.choice([NOW] * 8 + [rng.randrange(START, NOW)])
    points = []
    for slot in range((START - HOUR) // MINUTE * MINUTE + phase, NOW, MINUTE):
        kind = next((k for k, a, b in spans if a <= slot < b), "1")
        kind = rng.choice("0.") if rng.random() < 0.0005 else kind
        at = slot + (rng.randrange(-jitter_ms, jitter_ms + 1) if jitter_ms else 0)
        if kind != "." and first <= at < last:
            points.append((at, int(kind)))
    return sorted(dict(points).items())


@pytest.mark.slow
@pytest.mark.parametrize("jitter_ms", [0, 2, 14_000])
async def test_a_random_fleet_is_measured_exactly(engine_with, jitter_ms):
    """Sixty series with every kind of trouble, six days in a real engine."""
    rng = random.Random(f"fleet {jitter_ms}")
    fleet = {(("customer", f"c{i}"), ("job", "web")): troubled(rng, jitter_ms) for i in range(60)}
    url = engine_with(
        (openmetrics_name("probe_success", dict(labels)), points)
        for labels, points in fleet.items()
        if points
    )
    source = PrometheusSource(url)
    store = MemoryObservations()
    observer = Observer(source=source, store=store, settle_after_ms=2 * DAY)

    mark = await observer.observe(WEB, START, NOW)
    span = Window(START, mark.fresh_until_ms)
    states = {k: v.within(span) for k, v in (await store.states("web", span)).items()}
    source.close()

    expected = {
        labels: read_samples([(at, up == 1) for at, up in points], span, Cadence.of(MINUTE))
        for labels, points in fleet.items()
        if any(START - 150_000 < at <= mark.fresh_until_ms for at, _ in points)
    }
    assert len(expected) > 50
    assert {k: v for k, v in states.items() if v != expected[k]} == {}
    assert states.keys() == expected.keys()


async def test_clean_series_need_no_second_scan(prometheus_with):
    """On a real Prometheus the number of samples it looked at proves the sums."""
    clean = [(at, 1) for at in range(START - HOUR + 12_345, NOW, MINUTE)]
    url = prometheus_with(
        [(openmetrics_name("probe_success", {"customer": c, "job": "web"}), clean) for c in "abc"]
    )
    source = PrometheusSource(url)
    asked: list[str] = []
    original = source._compare  # noqa: SLF001 - watched, not changed

    async def watched(question, chunk):
        asked.append(question.query.partition("(")[0])
        return await original(question, chunk)

    source._compare = watched  # type: ignore[method-assign]  # noqa: SLF001
    store = MemoryObservations()

    mark = await Observer(source=source, store=store, settle_after_ms=DAY).observe(WEB, START, NOW)
    states = await store.states("web", Window(START, mark.fresh_until_ms))
    source.close()

    assert set(asked) == {"sum_over_time"}
    assert list(states.values()) == [UP] * 3


async def test_limits_of_the_server_are_met_by_splitting(prometheus_with):
    """A server that loads no more than 3,000 samples at once: the windows are the same."""
    rng = random.Random("limits")
    fleet = {(("customer", f"c{i}"), ("job", "web")): troubled(rng, 0) for i in range(10)}
    url = prometheus_with(
        [(openmetrics_name("probe_success", dict(k)), p) for k, p in fleet.items() if p],
        "--query.max-samples=3000",
    )
    source = PrometheusSource(url)
    store = MemoryObservations()

    mark = await Observer(source=source, store=store, settle_after_ms=DAY).observe(WEB, START, NOW)
    span = Window(START, mark.fresh_until_ms)
    states = {k: v.within(span) for k, v in (await store.states("web", span)).items()}
    source.close()

    assert len(states) > 5
    for labels, state in states.items():
        points = [(at, up == 1) for at, up in fleet[labels]]
        assert read_samples(points, span, Cadence.of(MINUTE)) == state


@pytest.mark.parametrize(
    ("engine", "limit"),
    [
        ("prometheus_with", "--query.max-samples=50000"),
        ("victoria_with", "-search.maxPointsPerTimeseries=5000"),
    ],
)
async def test_values_under_the_limits_of_the_server_are_all_there(request, engine, limit):
    """More points than the server gives at once, and more samples than it loads."""
    clean = [(at, 1) for at in range(START - HOUR, NOW, MINUTE)]
    names = [openmetrics_name("x", {"customer": f"c{i}"}) for i in range(20)]
    url = request.getfixturevalue(engine)([(name, clean) for name in names], limit)
    source = PrometheusSource(url)
    at = range(START, NOW, 30_000)

    found = await source.values("last_over_time(x[59999ms])", at)
    source.close()

    assert len(at) > 11_000
    assert len(found) == 20
    assert all([moment for moment, _ in points] == list(at) for points in found.values())


async def test_retention_is_read_from_the_server(request, engine_with):
    """Prometheus tells it as such, VictoriaMetrics among its flags."""
    kept_ms = (400 if "prometheus" in request.node.callspec.id else 36_500) * DAY
    points = [(at, 1) for at in range(NOW - HOUR, NOW, MINUTE)]
    source = PrometheusSource(engine_with([(openmetrics_name("up", {"customer": "a"}), points)]))

    reached = await source.held_from_ms(["up"], Window(NOW - 10 * DAY, NOW))
    past = await source.held_from_ms(["up"], Window(NOW - kept_ms - 10 * DAY, NOW))
    source.close()

    assert reached == NOW - 10 * DAY
    assert past == NOW - kept_ms


async def test_several_samples_of_one_instant_count_as_the_best(victoria_with):
    """VictoriaMetrics keeps them all, and takes the best where it is told to merge them."""
    good = [(at, 1) for at in range(START - HOUR, NOW, MINUTE)]
    twins = [(at, 0) for at in range(START + 5 * HOUR, START + 6 * HOUR, MINUTE)]
    name = openmetrics_name("probe_success", {"customer": "a", "job": "web"})
    source = PrometheusSource(victoria_with([(name, good), (name, twins)]))
    store = MemoryObservations()

    mark = await Observer(source=source, store=store, settle_after_ms=DAY).observe(WEB, START, NOW)
    states = await store.states("web", Window(START, mark.fresh_until_ms))
    source.close()

    assert list(states.values()) == [UP]
