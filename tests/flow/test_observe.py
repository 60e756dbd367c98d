"""Observing: watermarks, two passes, crashes in between; against reading every sample."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_exporter.core.samples import UP, Cadence, SeriesState, read_samples
from sla_exporter.core.sli.probe import Probe
from sla_exporter.core.windows import Window
from sla_exporter.errors import NotReady, SourceUnavailable
from sla_exporter.flow.measuring.measurer import ARRIVAL_MS
from sla_exporter.flow.observe import Observer
from sla_exporter.store.memory import MemoryObservations
from tests.cast import DAY, HOUR, MINUTE, WEB
from tests.listed import ListedSamples

ACME = (("customer", "acme"),)
BIRCH = (("customer", "birch"),)
CADENCE = Cadence.of(MINUTE)
LAG = 2 * CADENCE.max_gap_ms + ARRIVAL_MS
T0 = 1_790_000_000_000 // DAY * DAY


def every_minute(start, end, *, phase=7_000, bad=(), missing=()):
    return [
        (at, not any(a <= at < b for a, b in bad))
        for at in range(start + phase, end, MINUTE)
        if not any(a <= at < b for a, b in missing)
    ]


def observer(source, store=None, settle_after_ms=2 * DAY) -> Observer:
    return Observer(
        source=source, store=store or MemoryObservations(), settle_after_ms=settle_after_ms
    )


async def states(watching: Observer, span: Window):
    found = await watching.store.states("web", span)
    return {labels: state.within(span) for labels, state in found.items()}


async def test_four_days_are_read_exactly():
    """An outage, a gap and a clean series: the windows are those of all samples."""
    now = T0 + 4 * DAY
    bad = [(T0 + 30 * HOUR, T0 + 31 * HOUR)]
    gap = [(T0 + 50 * HOUR, T0 + 50 * HOUR + 7 * MINUTE)]
    source = ListedSamples(
        {
            ACME: every_minute(T0 - HOUR, now, bad=bad, missing=gap),
            BIRCH: every_minute(T0 - HOUR, now, phase=0),
        }
    )
    watching = observer(source)

    mark = await watching.observe(WEB, T0, now)
    span = Window(T0, mark.fresh_until_ms)

    assert await states(watching, span) == {
        ACME: read_samples(source.series[ACME], span, CADENCE),
        BIRCH: UP,
    }
    assert now - LAG - 2 * MINUTE < mark.fresh_until_ms <= now - LAG
    assert now - 2 * DAY - 2 * MINUTE < mark.final_until_ms <= now - 2 * DAY


async def test_clean_time_is_not_read_raw():
    """A hundred clean series over four days cost a handful of queries and a few samples."""
    now = T0 + 4 * DAY
    source = ListedSamples(
        {(("customer", f"c{i}"),): every_minute(T0 - HOUR, now, phase=i * 600) for i in range(100)}
    )

    await observer(source).observe(WEB, T0, now)

    assert source.asked["miscounted"] == 0
    assert source.asked.total() < 20
    assert source.samples_read < 100 * 20


async def test_a_tick_reads_only_what_is_new():
    """The second time, an hour later, an hour is read."""
    now = T0 + 10 * DAY
    source = ListedSamples({ACME: every_minute(T0 - HOUR, now + DAY)})
    watching = observer(source)
    await watching.observe(WEB, T0, now)
    source.asked.clear()
    source.samples_read = 0

    mark = await watching.observe(WEB, T0, now + HOUR)

    assert now + HOUR - LAG - 2 * MINUTE < mark.fresh_until_ms
    assert source.asked.total() <= 8
    assert source.samples_read < 20


async def test_late_samples_are_picked_up_by_the_second_pass():
    """What looked like a gap was a slow shipment; before it is settled, it is read again."""
    now = T0 + DAY
    late = [(T0 + 5 * HOUR, T0 + 6 * HOUR)]
    source = ListedSamples({ACME: every_minute(T0 - HOUR, now + 3 * DAY, missing=late)})
    watching = observer(source)
    await watching.observe(WEB, T0, now)
    span = Window(T0, T0 + 12 * HOUR)
    before = await states(watching, span)

    source.series[ACME] = every_minute(T0 - HOUR, now + 3 * DAY)
    await watching.observe(WEB, T0, now + 2 * DAY)

    assert before[ACME].unknown != ()
    assert await states(watching, span) == {ACME: UP}


@pytest.mark.parametrize("allowed", range(0, 24, 3))
async def test_a_crash_loses_nothing(allowed):
    """The engine goes away after any number of requests; the next run has the same windows."""
    now = T0 + 20 * DAY
    bad = [(T0 + d * DAY + 5 * HOUR, T0 + d * DAY + 5 * HOUR + 3 * MINUTE) for d in range(20)]
    source = ListedSamples({ACME: every_minute(T0 - HOUR, now, bad=bad)})
    watching = observer(source)
    source.fail_after = allowed
    with pytest.raises(SourceUnavailable):
        await watching.observe(WEB, T0, now)
    source.fail_after = None

    mark = await watching.observe(WEB, T0, now)
    span = Window(T0, mark.fresh_until_ms)

    assert await states(watching, span) == {ACME: read_samples(source.series[ACME], span, CADENCE)}


async def test_a_series_that_vanishes_is_unknown_and_stays_expected():
    """Its target was removed, or renamed: nobody knows, so nobody says it was up."""
    now = T0 + 4 * DAY
    gone = T0 + 26 * HOUR
    source = ListedSamples({ACME: every_minute(T0 - HOUR, gone), BIRCH: every_minute(T0, now)})
    watching = observer(source)

    mark = await watching.observe(WEB, T0, now)
    (unknown,) = (await states(watching, Window(T0, mark.fresh_until_ms)))[ACME].unknown

    last = source.series[ACME][-1][0]
    assert unknown == Window(last + MINUTE, mark.fresh_until_ms)


async def test_a_series_that_appears_is_unknown_before():
    """A customer who came mid-month was not up before, and not down either."""
    now = T0 + 20 * DAY
    came = T0 + 12 * DAY + 90 * MINUTE
    source = ListedSamples({ACME: every_minute(came, now), BIRCH: every_minute(T0 - HOUR, now)})
    watching = observer(source)

    mark = await watching.observe(WEB, T0, now)

    assert (await states(watching, Window(T0, mark.fresh_until_ms)))[ACME] == SeriesState(
        unknown=(Window(T0, source.series[ACME][0][0]),)
    )


async def test_earlier_time_is_read_when_it_is_asked_for():
    """An older month is asked for after the service has run for a while."""
    now = T0 + 40 * DAY
    bad = [(T0 + 3 * DAY, T0 + 3 * DAY + HOUR)]
    source = ListedSamples({ACME: every_minute(T0 - DAY, now, bad=bad)})
    watching = observer(source)
    await watching.observe(WEB, T0 + 30 * DAY, now)

    mark = await watching.observe(WEB, T0, now)
    span = Window(T0, mark.fresh_until_ms)

    assert mark.from_ms <= T0
    assert await states(watching, span) == {ACME: read_samples(source.series[ACME], span, CADENCE)}


async def test_without_samples_and_a_stated_interval_there_is_a_sentence():
    """A selector with a typing error is the likely cause."""
    watching = observer(ListedSamples({}))

    with pytest.raises(NotReady, match="no samples to infer the scrape interval from"):
        await watching.observe(replace(WEB, sli=Probe(selector=WEB.selector)), T0, T0 + DAY)


@st.composite
def fleets(draw):
    """Draw three series over some days, each with its phase, outages and gaps."""
    found = {}
    for name in ("acme", "birch", "cedar"):
        troubles = st.lists(
            st.tuples(st.integers(0, 3 * 1440), st.integers(1, 300)).map(
                lambda t: (T0 + t[0] * MINUTE, T0 + (t[0] + t[1]) * MINUTE)
            ),
            max_size=3,
        )
        found[(("customer", name),)] = every_minute(
            T0 - HOUR,
            T0 + 3 * DAY,
            phase=draw(st.integers(0, MINUTE - 1)),
            bad=draw(troubles),
            missing=draw(troubles),
        )
    return found


@settings(max_examples=25, deadline=None)
@given(fleets(), st.lists(st.integers(1, 3 * 24 - 1), max_size=4))
async def test_any_fleet_observed_in_any_steps_is_read_exactly(fleet, hours):
    """However often it is looked at, the windows are those of reading every sample."""
    source = ListedSamples(fleet)
    watching = observer(source, settle_after_ms=DAY)
    for hour in sorted({*hours, 3 * 24 - 1}):
        mark = await watching.observe(WEB, T0, T0 + hour * HOUR)
    span = Window(T0, mark.fresh_until_ms)

    expected = {labels: read_samples(points, span, CADENCE) for labels, points in fleet.items()}

    assert await states(watching, span) == {k: v for k, v in expected.items() if fleet[k]}
