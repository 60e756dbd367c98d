"""Intervals that are stated, inferred, changed: what is observed meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from sla_exporter.core.samples import UP
from sla_exporter.core.sli.events import Events
from sla_exporter.core.sli.probe import Probe
from sla_exporter.core.windows import Window, total_ms
from sla_exporter.errors import NotReady, SourceUnavailable
from sla_exporter.flow.observe import Observer
from sla_exporter.store.memory import MemoryObservations
from tests.cast import ACME as ACME_LTD
from tests.cast import BIRCH as BIRCH_SONS
from tests.cast import DAY, HOUR, MINUTE, WEB, catalogue, contract
from tests.flow.test_observe import ACME, LAG, T0, every_minute
from tests.listed import ListedSamples

QUARTER = 15_000  # of a minute
SHORT_GAP = replace(WEB, name="short", sli=Probe(selector="x", max_gap_ms=45_000))


class Inferring(ListedSamples):
    """Infers the commonest spacing of the last hour."""

    async def interval_ms(self, service, at_ms):
        self._count("interval_ms")
        moments = [at for at, _ in self.series[ACME] if at_ms - HOUR < at <= at_ms]
        spacing = Counter(later - at for at, later in pairwise(moments))
        return spacing.most_common(1)[0][0] if spacing else None


def two_services():
    contracts = [contract(ACME_LTD, service="short"), contract(BIRCH_SONS)]
    return replace(catalogue(*contracts), services={"short": SHORT_GAP, "web": WEB})


def observing(source) -> tuple[Observer, list[tuple[str, str]]]:
    failures: list[tuple[str, str]] = []
    watching = Observer(
        source=source,
        store=MemoryObservations(),
        settle_after_ms=2 * DAY,
        failed=lambda *what: failures.append(what),
    )
    return watching, failures


async def test_a_gap_under_the_inferred_interval_is_said_and_stops_no_other_service():
    """Only when the interval is inferred can it be seen."""
    source = Inferring({ACME: every_minute(T0 - 70 * DAY, T0)})
    watching, failures = observing(source)

    with pytest.raises(NotReady, match="max_gap is 45s, and its samples come every 60s"):
        await watching.observe_all(two_services(), T0)

    assert failures == [("short", "not_ready")]
    assert await watching.store.watermark("short") is None
    assert await watching.store.watermark("web") is not None


async def test_a_service_that_fails_in_a_way_it_should_not_stops_no_other():
    """A mistake of the program is counted, and shown at the end, as any other failure."""

    class Mistaken(Inferring):
        async def interval_ms(self, service, at_ms):
            raise ValueError("nobody thought of this")

    watching, failures = observing(Mistaken({ACME: every_minute(T0 - 70 * DAY, T0)}))

    with pytest.raises(ValueError, match="nobody thought of this"):
        await watching.observe_all(two_services(), T0)

    assert failures == [("short", "other")]
    assert await watching.store.watermark("web") is not None


def at_interval(start, end, interval_ms, *, bad=()):
    return [(at, not any(a <= at < b for a, b in bad)) for at in range(start, end, interval_ms)]


def stated(interval_ms: int, **changes):
    return replace(WEB, sli=Probe(selector="x", interval_ms=interval_ms, **changes))


async def state(watching: Observer, span: Window):
    return (await watching.store.states("web", span))[ACME].within(span)


CHANGED = T0 + 4 * DAY
OUTAGE = Window(CHANGED - DAY, CHANGED - DAY + HOUR)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (MINUTE, QUARTER, {}),
        (MINUTE, QUARTER, {"max_gap_ms": 30_000}),  # too short for what was before
        (QUARTER, MINUTE, {}),
    ],
)
async def test_what_was_observed_before_the_interval_changed_is_still_true(before, after, changes):
    """In Prometheus and in our file at once; the last two days were not final yet."""
    samples = at_interval(T0 - HOUR, CHANGED, before, bad=[OUTAGE])
    source = ListedSamples({ACME: samples + at_interval(CHANGED, CHANGED + 6 * DAY, after)})
    watching, _ = observing(source)
    await watching.observe(stated(before), T0, CHANGED)

    mark = await watching.observe(stated(after, **changes), T0, CHANGED + 6 * DAY)

    assert mark.interval_ms == after
    span = Window(T0, mark.final_until_ms)
    assert span.end_ms > CHANGED + 3 * DAY
    assert (await state(watching, span)).down == (OUTAGE,)
    assert total_ms((await state(watching, span)).unknown) <= LAG


async def test_a_crash_while_old_time_is_read_by_its_own_interval_loses_nothing():
    """The next run goes on with the old one, up to where it reached."""
    samples = at_interval(T0 - HOUR, CHANGED, MINUTE, bad=[OUTAGE])
    source = ListedSamples({ACME: samples + at_interval(CHANGED, CHANGED + 6 * DAY, QUARTER)})
    watching, _ = observing(source)
    await watching.observe(stated(MINUTE), T0, CHANGED)
    source.fail_after = source.asked.total() + 2
    with pytest.raises(SourceUnavailable):
        await watching.observe(stated(QUARTER), T0, CHANGED + 6 * DAY)
    source.fail_after = None

    mark = await watching.observe(stated(QUARTER), T0, CHANGED + 6 * DAY)

    assert (await state(watching, Window(T0, mark.final_until_ms))).down == (OUTAGE,)


@pytest.mark.parametrize("first_ms", [T0, T0 + 25 * MINUTE])
async def test_slots_of_another_length_lie_on_their_own_grid(first_ms):
    """From five minutes to an hour at half past: the hour is counted as a whole."""
    counted = set()

    class Counting(ListedSamples):
        async def values(self, expression, at):
            counted.update(at)
            return {ACME: [(moment, "10") for moment in at]}

    def counting(slot_ms):
        return replace(WEB, sli=Events(good="g", total="t", by=("customer",), interval_ms=slot_ms))

    watching = replace(observing(Counting({}))[0], settle_after_ms=0)
    await watching.observe(counting(5 * MINUTE), first_ms, T0 + 10 * HOUR + 36 * MINUTE)
    counted.clear()

    mark = await watching.observe(counting(HOUR), T0 - 3 * HOUR, T0 + 40 * HOUR)

    assert {moment % HOUR for moment in counted} == {0}
    slots = (await watching.store.slots("web", Window(T0 - 3 * HOUR, T0 + 39 * HOUR)))[ACME]
    assert all(slot.window.end_ms <= later.window.start_ms for slot, later in pairwise(slots))
    assert slots[-1].window.end_ms == mark.final_until_ms >= T0 + 38 * HOUR


INFERRED = replace(WEB, sli=Probe(selector="x"))


async def test_an_interval_that_became_longer_is_inferred_anew():
    """Prometheus was told to ask less often: what is up stays known to be up."""
    samples = at_interval(T0 - HOUR, CHANGED, QUARTER)
    source = Inferring({ACME: samples + at_interval(CHANGED, CHANGED + 5 * DAY, MINUTE)})
    watching, _ = observing(source)
    for now in range(T0 + DAY, CHANGED + 4 * HOUR, 30 * MINUTE):
        await watching.observe(INFERRED, T0, now)
    assert (await watching.store.watermark("web")).interval_ms == MINUTE

    mark = await watching.observe(INFERRED, T0, CHANGED + 5 * DAY)

    assert await state(watching, Window(T0, mark.final_until_ms)) == UP


@pytest.mark.parametrize(
    "since",
    [
        at_interval(CHANGED, CHANGED + 40 * MINUTE, MINUTE),  # for a while only
        at_interval(CHANGED, CHANGED + 6 * HOUR, 20_000),  # a little longer
        at_interval(CHANGED, CHANGED + 6 * HOUR, 5_000),  # shorter: others may be as they were
        [],
    ],
)
async def test_an_interval_that_may_still_fit_is_kept(since):
    """Some lost samples do not change the resolution."""
    samples = at_interval(T0, CHANGED, QUARTER) + since
    samples += at_interval(samples[-1][0] + QUARTER, CHANGED + 6 * HOUR, QUARTER)
    watching, _ = observing(Inferring({ACME: samples}))

    for now in range(CHANGED, CHANGED + 6 * HOUR, 20 * MINUTE):
        mark = await watching.observe(INFERRED, T0, now)

    assert mark.interval_ms == QUARTER


async def test_a_longer_interval_is_not_taken_over_against_a_stated_gap():
    """The service says that no sample stands for so long."""
    samples = at_interval(T0, CHANGED, QUARTER) + at_interval(CHANGED, CHANGED + DAY, MINUTE)
    watching, _ = observing(Inferring({ACME: samples}))
    service = replace(WEB, sli=Probe(selector="x", max_gap_ms=45_000))
    await watching.observe(service, T0, CHANGED)

    mark = await watching.observe(service, T0, CHANGED + DAY)

    assert mark.interval_ms == QUARTER


async def test_whether_the_interval_fits_is_asked_once_an_hour():
    """It costs queries."""
    source = Inferring({ACME: at_interval(T0, T0 + DAY, MINUTE)})
    watching, _ = observing(source)
    await watching.observe(INFERRED, T0, T0 + 4 * HOUR)
    source.asked.clear()

    for now in range(T0 + 5 * HOUR, T0 + 8 * HOUR, 5 * MINUTE):
        await watching.observe(INFERRED, T0, now)

    assert source.asked["interval_ms"] == 3 * 2
