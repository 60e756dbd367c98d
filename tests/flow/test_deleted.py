"""Samples that the engine has deleted: never measured from what is left, and never forgotten."""

from __future__ import annotations

from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.core.settlement import Hold
from sla_exporter.core.windows import Window, total_ms
from sla_exporter.flow.evidence import gather_evidence
from sla_exporter.flow.observe import Observer
from sla_exporter.store.memory import MemoryObservations
from tests.cast import DAY, HOUR, WEB, catalogue, settled
from tests.flow.test_observe import ACME, LAG, T0, every_minute
from tests.listed import ListedSamples

NOW = T0 + 6 * DAY


def observer(source, settle_after_ms=2 * DAY) -> Observer:
    return Observer(source=source, store=MemoryObservations(), settle_after_ms=settle_after_ms)


class NoIncidents:
    async def overlapping(self, span):
        return ()


class NoExclusions:
    async def stated(self, span, silences):
        return ()


async def evidence(watching: Observer, span: Window):
    found = await gather_evidence(
        catalogue=catalogue(),
        service=WEB,
        span=span,
        final=False,
        observations=watching.store,
        incidents=NoIncidents(),
        exclusions=NoExclusions(),
    )
    assert found is not None
    return found.of("acme-web", span)


async def test_a_first_look_begins_where_samples_begin_to_be_complete():
    """Half a day's samples are still there by accident: they are not taken for the day."""
    source = ListedSamples({ACME: every_minute(T0, NOW)})
    source.held_ms = T0 + DAY
    watching = observer(source)

    mark = await watching.observe(WEB, T0, NOW)
    found = await evidence(watching, Window(T0, T0 + 2 * DAY))

    assert mark.from_ms == T0 + DAY
    assert found.unread == (Window(T0, T0 + DAY),)
    assert found.state.unknown == (Window(T0, T0 + DAY),)


async def test_what_an_earlier_pass_found_stays():
    """The samples are gone when they would be read again; the outage that was seen is not."""
    bad = [(T0 + 5 * HOUR, T0 + 6 * HOUR)]
    source = ListedSamples({ACME: every_minute(T0 - HOUR, NOW, bad=bad)})
    watching = observer(source)
    await watching.observe(WEB, T0, T0 + DAY)
    before = await watching.store.states("web", Window(T0, T0 + 12 * HOUR))

    source.series[ACME] = every_minute(T0 + 20 * HOUR, NOW)
    source.held_ms = T0 + 20 * HOUR
    mark = await watching.observe(WEB, T0, T0 + 3 * DAY)

    assert before[ACME].down != ()
    assert await watching.store.states("web", Window(T0, T0 + 12 * HOUR)) == before
    assert mark.unread == ()
    assert mark.final_until_ms >= T0 + 20 * HOUR


async def test_time_that_nobody_read_is_noted_as_unread():
    """The service was away for longer than the engine keeps samples."""
    source = ListedSamples({ACME: every_minute(T0 - HOUR, NOW)})
    watching = observer(source)
    first = await watching.observe(WEB, T0, T0 + DAY)

    source.held_ms = T0 + 4 * DAY
    mark = await watching.observe(WEB, T0, NOW)
    found = await evidence(watching, Window(T0, NOW - LAG - HOUR))

    lost = Window(first.fresh_until_ms, T0 + 4 * DAY)
    assert mark.unread == (lost,)
    assert found.unread == (lost,)
    assert lost.start_ms >= found.state.unknown[0].start_ms
    assert total_ms(found.state.unknown) >= lost.length_ms


async def test_looking_again_changes_nothing():
    """The gap is noted once, and is not read again at every tick."""
    source = ListedSamples({ACME: every_minute(T0 - HOUR, NOW)})
    source.held_ms = T0 + DAY
    watching = observer(source)
    mark = await watching.observe(WEB, T0, NOW)
    source.asked.clear()

    assert await watching.observe(WEB, T0, NOW) == mark
    assert source.asked.total() == 0


async def test_nothing_deleted_is_nothing_noted():
    """As it should be."""
    source = ListedSamples({ACME: every_minute(T0 - HOUR, NOW)})
    watching = observer(source)
    await watching.observe(WEB, T0, NOW)
    found = await evidence(watching, Window(T0, T0 + DAY))

    assert found.unread == ()
    assert found.state == UP == SeriesState()


def test_a_settlement_over_deleted_time_waits_for_a_person():
    """Even where enough of the rest was measured, and with the length of what is missing."""
    from tests.cast import OCTOBER  # noqa: PLC0415 - the month of the cast

    gap = Window(OCTOBER.span.start_ms, OCTOBER.span.start_ms + HOUR)

    found = settled(unknown=(gap,), unread=(gap,))

    assert Hold.RETENTION in found.holds
    assert "hold_retention" in [step.code for step in found.steps]
    assert settled(unknown=(gap,)).holds == ()
