"""Hundreds of random fleets on real engines, against judging every second by itself."""

from __future__ import annotations

import os
from bisect import bisect_left as bisect
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from sla_exporter.core.catalogue import Service
from sla_exporter.core.quorum import combine, disagreements
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.sli.counts import count_events, whole_slots
from sla_exporter.core.sli.events import Availability, Empty, Events, joined
from sla_exporter.core.sli.expr import Expr
from sla_exporter.core.sli.probe import Probe
from sla_exporter.core.windows import Window, subtract, tidy, total_ms
from sla_exporter.demo.history import write_blocks
from sla_exporter.demo.servers import prometheus, victoria_metrics
from sla_exporter.flow.observe import Observer
from sla_exporter.settings.quantities import parse_quorum
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.store.memory import MemoryObservations
from tests.cast import HOUR
from tests.counters import (
    SLOT_MS,
    draw_counters,
    plain_increase,
    prometheus_increase,
    slots_by_hand,
)
from tests.oracle import DOWN, UNKNOWN, UP, as_windows, draw_fleet, every_second, judge
from tests.victoria import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.counters import Counters
    from tests.oracle import Fleet

MANY = int(os.environ.get("ORACLE_FLEETS", "80"))  # noqa: TID251 - how thorough to be
FLEETS = [draw_fleet(number) for number in range(MANY)]
COUNTERS = [draw_counters(number, gaps=True) for number in range(40)]
COUNTERS_WITHOUT_GAPS = [draw_counters(number, gaps=False) for number in range(100, 140)]


@pytest.fixture(scope="module", params=["prometheus", "victoria-metrics"])
def engine(request, tmp_path_factory) -> Iterator[str]:
    """A real engine that holds all fleets."""
    folder = tmp_path_factory.mktemp("oracle")
    probes = [pair for fleet in FLEETS for pair in fleet.names() if pair[1]]
    counters = [pair for one in (*COUNTERS, *COUNTERS_WITHOUT_GAPS) for pair in one.names()]
    if request.param == "victoria-metrics":
        with victoria_metrics(folder) as server:
            fill(server.url, [*probes, *counters])
            yield server.url
        return
    write_blocks(probes, folder / "data")
    write_blocks(counters, folder / "data")
    with prometheus(folder, {}) as server:
        yield server.url


async def observed(url: str, service: Service, span: Window) -> MemoryObservations:
    """Observe a day, and a little more on either side of it."""
    source, store = PrometheusSource(url), MemoryObservations()
    observer = Observer(source=source, store=store, settle_after_ms=0)
    try:
        mark = await observer.observe(service, span.start_ms - HOUR, span.end_ms + HOUR)
    finally:
        source.close()
    assert mark.final_until_ms >= span.end_ms
    return store


async def measured(url: str, service: Service, span: Window):
    """Give the states of a service's series on a day."""
    store = await observed(url, service, span)
    states = await store.states(service.name, span)
    return {labels: state.within(span) for labels, state in states.items()}


async def slots_measured(url: str, service: Service, span: Window):
    """Give the slots of a service's series on a day."""
    store = await observed(url, service, span)
    return list((await store.slots(service.name, span)).values())


def best_of_minute(fleet: Fleet, at_s: int) -> int | None:
    """Say whether any vantage point had nothing but good samples in the minute before."""
    minutes = [
        [v for _, v in samples[bisect(samples, (at_s - 59,)) : bisect(samples, (at_s + 1,))]]
        for samples in fleet.series.values()
    ]
    known = [min(values) for values in minutes if values]
    return max(known) if known else None


def events_of(counters: Counters, **more) -> Events:
    """Count the requests of one service."""
    total = f'requests_total{{service="{counters.number}"}}'
    good = f'requests_total{{service="{counters.number}",code="200"}}'
    return Events(good=good, total=total, by=("contract",), interval_ms=SLOT_MS, **more)


@pytest.mark.slow
async def test_probes_of_random_fleets_are_measured_to_the_second(engine):
    """Gaps, jitter, twins, prober death, clock changes, every quorum: the same windows."""
    wrong = []
    for fleet in FLEETS:
        selector = f'probe_success{{fleet="{fleet.number}"}}'
        sli = Probe(selector=selector, interval_ms=fleet.interval_s * 1000)
        found = await measured(engine, Service(name="web", sli=sli), fleet.span)
        states = {dict(labels)["point"]: state for labels, state in found.items()}
        seconds = {
            point: every_second(samples, fleet.span, fleet.interval_s)
            for point, samples in fleet.series.items()
        }
        # A series that had no sample in all of the time that was looked at is not known to exist.
        assert all(set(seconds.pop(p)) == {UNKNOWN} for p in seconds.keys() - states.keys())
        quorum = replace(parse_quorum(fleet.quorum), min_known=fleet.min_known)
        together = combine(list(states.values()), quorum, fleet.span)
        judged = judge(list(seconds.values()), fleet.quorum, fleet.min_known, fleet.span)
        alone = [
            at
            for at, moment in enumerate(zip(*seconds.values(), strict=True))
            if len(seconds) > 1 and DOWN in moment and judged[at] == UP
        ]
        if (
            states != {p: as_windows(state, fleet.span) for p, state in seconds.items()}
            or together != as_windows(judged, fleet.span)
            or total_ms(disagreements(list(states.values()), quorum, fleet.span))
            != 1000 * len(alone)
        ):
            wrong.append(fleet.number)
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("step_ms", [60_000, 300_000])
async def test_expressions_over_random_fleets_are_measured_to_the_step(engine, step_ms):
    """At every step the expression is 1, 0 or not there, and the windows say the same."""
    wrong = []
    for fleet in FLEETS[::3]:
        looked = f'min_over_time(probe_success{{fleet="{fleet.number}"}}[59999ms])'
        query = f"(sum by (contract) ({looked}) >= bool 1)"
        service = Service(name="web", sli=Expr(selector=query, interval_ms=step_ms))
        found = await measured(engine, service, fleet.span)
        begin = fleet.span.start_ms // step_ms * step_ms
        steps = range(begin, fleet.span.end_ms, step_ms)
        values = {at: best_of_minute(fleet, at // 1000) for at in steps}
        expected = SeriesState(
            down=tidy((at, at + step_ms) for at, value in values.items() if value == 0),
            unknown=tidy((at, at + step_ms) for at, value in values.items() if value is None),
        ).within(fleet.span)
        if list(found.values()) not in ([expected], []) or (not found and expected.unknown == ()):
            wrong.append(fleet.number)
    assert wrong == []


@pytest.mark.slow
async def test_error_rates_of_random_counters_are_measured_to_the_slot(request, engine):
    """Counters reset, stand still, vanish; a slot is down when over 5 % failed."""
    is_prometheus = "prometheus" in request.node.callspec.id
    wrong = []
    for counters in COUNTERS if is_prometheus else COUNTERS_WITHOUT_GAPS:
        slots = slots_by_hand(counters, prometheus_increase if is_prometheus else plain_increase)
        events = events_of(counters, down_over=Fraction(5, 100), empty=Empty.DOWN)
        found = await measured(engine, Service(name="api", sli=events), counters.span)
        down = [
            (end - SLOT_MS, end)
            for end, good, total in slots
            if not total or (total - good) / total > Fraction(5, 100)
        ]
        first = -(-counters.span.start_ms // SLOT_MS) * SLOT_MS
        known = tidy((end - SLOT_MS, end) for end, _, _ in slots)
        expected = SeriesState(
            down=tidy(down), unknown=subtract((Window(first, counters.span.end_ms),), known)
        )
        if list(found.values()) != [expected]:
            wrong.append(counters.number)
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("availability", list(Availability))
async def test_shares_of_random_counters_are_those_counted_by_hand(request, engine, availability):
    """The share of good events, and the average of slots; to a billionth, for they are floats."""
    is_prometheus = "prometheus" in request.node.callspec.id
    for counters in COUNTERS[::4] if is_prometheus else COUNTERS_WITHOUT_GAPS[::4]:
        slots = slots_by_hand(counters, prometheus_increase if is_prometheus else plain_increase)
        events = events_of(counters, availability=availability, empty=Empty.LEFT_OUT)
        found = await slots_measured(engine, Service(name="api", sli=events), counters.span)
        ratio = count_events(events, whole_slots(joined(found), counters.span)).ratio
        busy = [(good, total) for _, good, total in slots if total]
        if availability is Availability.EVENTS:
            expected = sum(good for good, _ in busy) / sum(total for _, total in busy)
        else:
            expected = sum(good / total for good, total in busy) / len(busy)
        assert abs(ratio - expected) < Fraction(1, 10**9), counters.number
