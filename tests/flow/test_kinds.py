"""Expressions, counters and affected shares, from values to evidence."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from sla_exporter.core.affected import Partial
from sla_exporter.core.catalogue import Service
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.sli.events import Availability, Empty, Events
from sla_exporter.core.sli.expr import Expr
from sla_exporter.core.windows import Window
from sla_exporter.errors import QueryRejected, SourceUnavailable
from sla_exporter.flow.evidence import gather_evidence
from sla_exporter.flow.observe import Observer
from sla_exporter.store.memory import MemoryObservations
from sla_exporter.store.observations import Observations
from tests.cast import DAY, HOUR, MINUTE, WEB, catalogue
from tests.flow.test_deleted import NoExclusions, NoIncidents
from tests.flow.test_observe import T0, every_minute
from tests.listed import ListedSamples

ACME = (("customer", "acme"),)
BIRCH = (("customer", "birch"),)
EXPR = Service(name="web", sli=Expr(selector="x > bool 0"), contract_label="customer")
EVENTS = Events(good="good", total="total", by=("customer",))
SLOT = EVENTS.interval_ms
NOW = T0 + 3 * HOUR
SPAN = Window(T0, T0 + 2 * HOUR)


@pytest.fixture(params=[Observations, MemoryObservations])
def store(request, database):
    """Every store in turn; the one in memory has no use for a database."""
    return request.param(database) if request.param is Observations else request.param()


async def watched(source, service, store, now=NOW):
    await Observer(source=source, store=store, settle_after_ms=0).observe(service, T0, now)


async def evidence(service, store, span=SPAN):
    found = await gather_evidence(
        catalogue=replace(catalogue(), services={"web": service}),
        service=service,
        span=span,
        final=False,
        observations=store,
        incidents=NoIncidents(),
        exclusions=NoExclusions(),
    )
    assert found is not None
    return found.of("acme-web", span)


def every_step(mark: str, start=T0, step=MINUTE, count=200):
    """Draw values: 1 and 0 as they are, nothing for a dot; what is not drawn is 1."""
    drawn = mark.ljust(count, "1")
    return [(start + i * step, value) for i, value in enumerate(drawn) if value != "."]


async def test_an_expression_is_down_and_unknown_to_the_step(store):
    """Nothing is carried over a step without a value."""
    source = ListedSamples({})
    source.listed_values = {"x > bool 0": {ACME: every_step("1100.111")}}

    await watched(source, EXPR, store)
    found = await evidence(EXPR, store)

    assert found.state == SeriesState(
        down=(Window(T0 + 2 * MINUTE, T0 + 4 * MINUTE),),
        unknown=(Window(T0 + 4 * MINUTE, T0 + 5 * MINUTE),),
    )


async def test_an_expression_that_gives_anything_else_is_refused(store):
    """A comparison without bool gives the value itself, or nothing: both are mistakes."""
    source = ListedSamples({})
    source.listed_values = {"x > bool 0": {ACME: [(T0, "0.3")]}}

    with pytest.raises(QueryRejected, match="must give 1 when up and 0 when down"):
        await watched(source, EXPR, store)
    assert await store.watermark("web") is None


async def test_a_customer_whose_values_end_is_unknown_from_then_on(store):
    """And stays expected."""
    source = ListedSamples({})
    source.listed_values = {"x > bool 0": {ACME: every_step("", count=30)}}
    await watched(source, EXPR, store, T0 + HOUR)

    await watched(source, EXPR, store)
    found = await evidence(EXPR, store)

    assert found.state.unknown == (Window(T0 + 30 * MINUTE, SPAN.end_ms),)


def counted(*shares: str | None):
    """Give values for the slots of T0: ``90/100`` events, or none at all."""
    good, total = [], []
    for number, share in enumerate(shares, 1):
        if share is not None:
            part, whole = share.split("/")
            good.append((T0 + number * SLOT, part))
            total.append((T0 + number * SLOT, whole))
    return {
        EVENTS.count_of("good"): {ACME: good},
        EVENTS.count_of("total"): {ACME: total},
    }


HOURS = ["50/50"] * 22  # with the first two slots: two hours


@pytest.mark.parametrize(
    ("changes", "first", "expected"),
    [
        ({}, ("90/100", "0/0"), Fraction(90 + 1100, 1200)),
        ({"availability": Availability.SLOTS}, ("90/100", "0/0"), Fraction(239, 240)),
        (
            {"availability": Availability.SLOTS, "empty": Empty.LEFT_OUT},
            ("90/100", "0/0"),
            Fraction(229, 230),
        ),
        (
            {"availability": Availability.SLOTS, "empty": Empty.DOWN},
            ("90/100", "0/0"),
            Fraction(229, 240),
        ),
        ({}, ("101/100", "50/50"), Fraction(1)),  # extrapolated apart: never over all of them
    ],
)
async def test_events_give_a_ratio(store, changes, first, expected):
    """The share of all events, or the average of slots, empty ones as stated."""
    service = replace(EXPR, sli=replace(EVENTS, **changes))
    source = ListedSamples({})
    source.listed_values = counted(*first, *HOURS, *HOURS)

    await watched(source, service, store)
    found = await evidence(service, store)

    assert found.events is not None
    assert found.events.ratio == expected
    assert found.state == SeriesState()


async def test_slots_without_a_counter_are_unknown(store):
    """No series is not the same as no events."""
    service = replace(EXPR, sli=EVENTS)
    source = ListedSamples({})
    source.listed_values = counted("50/50", None, None, *HOURS, *HOURS)

    await watched(source, service, store)
    found = await evidence(service, store)

    assert found.state.unknown == (Window(T0 + SLOT, T0 + 3 * SLOT),)


async def test_nothing_but_left_out_slots_is_no_availability(store):
    """Nobody can say how available it was."""
    service = replace(EXPR, sli=replace(EVENTS, empty=Empty.LEFT_OUT))
    source = ListedSamples({})
    source.listed_values = counted(*["0/0"] * 40)

    await watched(source, service, store)
    found = await evidence(service, store)

    assert found.events is not None
    assert found.events.ratio is None
    assert found.state.unknown == (SPAN,)


@pytest.mark.parametrize(
    ("empty", "down", "unknown"), [("up", 1, 0), ("down", 2, 0), ("left out", 1, 1)]
)
async def test_a_slot_is_down_when_its_error_rate_is_over_the_limit(store, empty, down, unknown):
    """5 % is not over 5 %; an empty slot counts as stated."""
    sli = replace(EVENTS, down_over=Fraction(5, 100), empty=Empty(empty))
    service = replace(EXPR, sli=sli)
    source = ListedSamples({})
    source.listed_values = counted("94/100", "95/100", "50/50", "0/0", *HOURS, *HOURS)

    await watched(source, service, store)
    found = await evidence(service, store)

    assert found.events is None
    assert found.state.down[0].start_ms == T0
    assert sum(window.length_ms for window in found.state.down) == down * SLOT
    assert sum(window.length_ms for window in found.state.unknown) == unknown * SLOT


async def test_late_counts_replace_earlier_ones(store):
    """The second pass counts again."""
    service = replace(EXPR, sli=EVENTS)
    source = ListedSamples({})
    source.listed_values = counted("10/50", *HOURS, *HOURS)
    observer = Observer(source=source, store=store, settle_after_ms=DAY)
    await observer.observe(service, T0, NOW)

    source.listed_values = counted("50/50", *HOURS, *HOURS)
    await observer.observe(service, T0, T0 + DAY + 150 * MINUTE)
    found = await evidence(service, store)

    assert found.events is not None
    assert found.events.ratio == 1


async def test_downtime_is_weighted_with_what_it_hit(store):
    """Where the expression says nothing, everybody was affected; up time is not asked for."""
    service = replace(WEB, affected="share")
    source = ListedSamples(
        {
            ACME: every_minute(T0 - HOUR, NOW, phase=0, bad=[(T0 + HOUR, T0 + HOUR + 3 * MINUTE)]),
            BIRCH: every_minute(T0 - HOUR, NOW),
        }
    )
    source.listed_values = {
        "share": {ACME: [(T0 + HOUR, "0.25"), (T0 + HOUR + MINUTE, "1"), (T0 + 90 * MINUTE, "0.5")]}
    }

    await watched(source, service, store)
    found = await evidence(service, store)

    assert found.affected == (
        Partial(Window(T0 + HOUR, T0 + HOUR + MINUTE), Fraction(1, 4)),
        Partial(Window(T0 + HOUR + MINUTE, T0 + HOUR + 3 * MINUTE), Fraction(1)),
    )
    assert [outage.affected for outage in found.outages] == [Fraction(1, 4), Fraction(1)]


async def test_a_share_over_one_is_refused(store):
    """It is no share then."""
    service = replace(WEB, affected="share")
    source = ListedSamples({ACME: every_minute(T0 - HOUR, NOW, bad=[(T0, T0 + HOUR)])})
    source.listed_values = {"share": {ACME: [(T0, "1.5")]}}

    with pytest.raises(QueryRejected, match="between 0 and 1"):
        await watched(source, service, store)


@pytest.mark.parametrize(
    ("said", "shares"),
    [
        ("1.0000000000000002", [1]),
        ("-0.0000000000000002", [0]),
        ("+Inf", [1]),
        ("NaN", [1]),
    ],
)
async def test_a_share_that_rounding_or_a_division_by_nothing_spoils_stops_nothing(said, shares):
    """It is cut to what it must be; what is no number says nothing, so all are affected."""
    service, store = replace(WEB, affected="share"), MemoryObservations()
    outage = Window(T0 + HOUR, T0 + HOUR + MINUTE)
    source = ListedSamples({ACME: every_minute(T0 - HOUR, NOW, phase=0, bad=[outage])})
    source.listed_values = {"share": {ACME: [(outage.start_ms, said)]}}

    await watched(source, service, store)
    found = await evidence(service, store)

    assert [outage.affected for outage in found.outages] == shares


async def test_a_failure_is_counted_and_leaves_the_watermark():
    """The other services go on; the next tick asks again."""
    counted_: list[tuple[str, str]] = []
    source = ListedSamples({ACME: every_minute(T0 - 40 * DAY, NOW)})
    store = MemoryObservations()
    observer = Observer(
        source=source, store=store, settle_after_ms=0, failed=lambda *what: counted_.append(what)
    )
    await observer.observe_all(catalogue(), T0)
    before = await store.watermark("web")
    source.fail_after = 0
    source.asked.clear()

    with pytest.raises(SourceUnavailable):
        await observer.observe_all(catalogue(), NOW)

    assert counted_ == [("web", "unavailable")]
    assert await store.watermark("web") == before
    source.fail_after = None
    await observer.observe_all(catalogue(), NOW)
    after = await store.watermark("web")
    assert before is not None
    assert after is not None
    assert after.fresh_until_ms > before.fresh_until_ms
