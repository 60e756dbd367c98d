"""Observation stores: in memory, on SQLite and on PostgreSQL, all the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.core.windows import Window, replace_within, tidy
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.memory import MemoryObservations
from sla_exporter.store.observations import Observations

ACME = (("customer", "acme"), ("instance", 'https://acme.example/?a="b"'))
BIRCH = (("customer", "birch"),)
DAY = 1_000


def mark(until: int, start: int = 0) -> Watermark:
    return Watermark(interval_ms=10, from_ms=start, fresh_until_ms=until, final_until_ms=start)


def seen(states) -> Observation:
    return Observation(states=states)


def down(*windows: tuple[int, int]) -> SeriesState:
    return SeriesState(down=tuple(Window(*window) for window in windows))


@pytest.fixture(params=[Observations, MemoryObservations])
def store(request, database):
    """Every store in turn; the one in memory has no use for a database."""
    return request.param(database) if request.param is Observations else request.param()


async def test_nothing_is_known_at_first(store):
    """A service that was never observed has no watermark and no series."""
    assert await store.watermark("web") is None
    assert await store.known_series("web") == set()
    assert await store.states("web", Window(0, DAY)) == {}


async def test_windows_and_watermark_are_kept(store):
    """What was recorded is read back, with the labels as they were."""
    await store.record("web", Window(0, DAY), seen({ACME: down((100, 200)), BIRCH: UP}), mark(DAY))

    assert await store.watermark("web") == mark(DAY)
    assert await store.known_series("web") == {ACME, BIRCH}
    assert await store.states("web", Window(0, DAY)) == {ACME: down((100, 200)), BIRCH: UP}


async def test_an_outage_over_a_border_is_one_outage(store):
    """Two chunks that touch give one window, so storage does not grow with the number of ticks."""
    await store.record("web", Window(0, DAY), seen({ACME: down((900, DAY))}), mark(DAY))
    await store.record("web", Window(DAY, 2 * DAY), seen({ACME: down((DAY, 1_100))}), mark(2 * DAY))

    assert await store.states("web", Window(0, 2 * DAY)) == {ACME: down((900, 1_100))}


async def test_reading_again_replaces_only_the_span(store):
    """Late samples shorten an outage inside the span; what lies outside stays."""
    await store.record("web", Window(0, DAY), seen({ACME: down((100, 200), (500, 900))}), mark(DAY))
    await store.record("web", Window(400, 600), seen({ACME: down((550, 600))}), mark(DAY))

    assert await store.states("web", Window(0, DAY)) == {ACME: down((100, 200), (550, 900))}


async def test_series_that_are_not_named_were_up(store):
    """A span without trouble forgets the trouble that was there."""
    await store.record("web", Window(0, DAY), seen({ACME: down((100, 200)), BIRCH: UP}), mark(DAY))
    await store.record("web", Window(0, DAY), seen({}), mark(DAY))

    assert await store.states("web", Window(0, DAY)) == {ACME: UP, BIRCH: UP}


async def test_a_series_seen_for_the_first_time_is_unknown_before(store):
    """Nobody may take the time before its first sample for uptime."""
    await store.record("web", Window(0, DAY), seen({BIRCH: UP}), mark(DAY))
    await store.record("web", Window(DAY, 2 * DAY), seen({ACME: UP}), mark(2 * DAY))

    states = await store.states("web", Window(0, 2 * DAY))

    assert states[ACME] == SeriesState(unknown=(Window(0, DAY),))


async def test_services_do_not_see_each_other(store):
    """The same labels in another service are another series."""
    await store.record("web", Window(0, DAY), seen({ACME: down((100, 200))}), mark(DAY))
    await store.record("db", Window(0, DAY), seen({ACME: UP}), mark(DAY))

    assert await store.states("db", Window(0, DAY)) == {ACME: UP}


_windows = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted), max_size=3
).map(tidy)
_spans = st.tuples(st.integers(0, 99), st.integers(1, 50)).map(lambda p: Window(p[0], p[0] + p[1]))
_records = st.lists(st.tuples(_spans, _windows), min_size=1, max_size=5)


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(_records)
async def test_any_order_of_recordings_agrees_with_replacing(tmp_path_factory, records):
    """A database after any recordings holds what replacing the spans one by one gives."""
    database = Database(sqlite_url(tmp_path_factory.mktemp("records") / "test.db"))
    await database.migrate()
    stores = [Observations(database), MemoryObservations()]
    expected = None
    for span, windows in records:
        state = SeriesState(
            down=tidy(w for w in windows if span.start_ms <= w.start_ms and w.end_ms <= span.end_ms)
        )
        for store in stores:
            await store.record("web", span, seen({ACME: state}), mark(0, start=0))
        expected = replace_within(expected or (), span, state.down)

    found = [(await store.states("web", Window(-1, 1_000)))[ACME].down for store in stores]

    await database.close()
    assert found == [expected, expected]
