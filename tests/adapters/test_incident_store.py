"""Incident windows in the database, and the captured requests of a real Alertmanager."""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.windows import Window
from sla_exporter.store import tables as t
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.incidents import Incidents
from sla_exporter.webhook import read_webhook
from tests.cast import request_with, telling

CAPTURED = {
    int(path.name[:2]): json.loads(path.read_text())["body"]
    for path in (Path(__file__).parents[1] / "data" / "webhooks").glob("*.json")
}
EVER = Window(0, 10**15)


@pytest.fixture
def incidents(database):
    return Incidents(database)


async def receive(incidents: Incidents, *numbers: int) -> None:
    for number in numbers:
        truncated = read_webhook(CAPTURED[number]).truncated
        await incidents.keep(replace(request_with(CAPTURED[number]), truncated=truncated))


async def windows(incidents: Incidents) -> set[tuple[str, str, str | None]]:
    """Give what is known as fingerprint, start and end, in the notation of Alertmanager."""
    from sla_exporter.core.periods import utc_text  # noqa: PLC0415

    return {
        (w.fingerprint, utc_text(w.starts_at_ms), w.ends_at_ms and utc_text(w.ends_at_ms))
        for w in await incidents.overlapping(EVER)
    }


A = ("bf80a96f27a48765", "2026-11-23T12:40:57.881Z", "2026-11-23T12:41:11.890Z")
B = ("7bc9b17cd0d3dbba", "2026-11-23T12:41:00.881Z", "2026-11-23T12:41:43.899Z")


async def test_a_firing_alert_opens_a_window(incidents):
    """Request 01."""
    await receive(incidents, 1)

    assert await windows(incidents) == {(*A[:2], None)}


async def test_every_alert_of_a_group_has_a_window_of_its_own(incidents):
    """Request 02: one group, two alerts, two starts."""
    await receive(incidents, 2)

    assert await windows(incidents) == {(*A[:2], None), (*B[:2], None)}


async def test_a_group_that_is_half_resolved_ends_one_window(incidents):
    """Request 03 says "firing" for the group, and "resolved" for one of its alerts."""
    await receive(incidents, 2, 3)

    assert await windows(incidents) == {A, (*B[:2], None)}


async def test_a_repeat_changes_nothing_and_the_resolve_ends_the_window(incidents):
    """Requests 04 and 05: the story of the group to its end."""
    await receive(incidents, 1, 2, 3, 4, 4, 5)

    assert await windows(incidents) == {A, B}


@pytest.mark.parametrize("seed", range(5))
async def test_the_order_of_requests_changes_nothing(incidents, seed):
    """However late and however often they come, the windows are the same."""
    numbers = [1, 2, 3, 4, 5, 5, 1, 3]
    random.Random(seed).shuffle(numbers)

    await receive(incidents, *numbers)

    assert await windows(incidents) == {A, B}


async def test_a_flap_without_a_resolve_is_ended_by_the_next_firing(incidents):
    """Requests 06 and 07: the same fingerprint, a new start, and no resolve in between."""
    await receive(incidents, 6, 7)

    flap = "6205311d2f4d57f2"
    first, second = "2026-11-23T12:42:22.345Z", "2026-11-23T12:42:27.073Z"
    assert await windows(incidents) == {(flap, first, second), (flap, second, None)}


async def test_a_truncated_request_is_kept_as_such(database, incidents):
    """Requests 08 and 09: two of four alerts; the others are never told of."""
    await receive(incidents, 8, 9)

    async with database.read() as connection:
        query = select(t.webhook_request.c.truncated)
        truncated = list((await connection.execute(query)).scalars())

    assert truncated == [2, 2]
    assert {w[0] for w in await windows(incidents)} == {"c188b8020d66174d", "ed26491e3ba26a9c"}


async def test_a_resolve_is_taken_for_what_it_says(incidents):
    """Requests 10 to 12: Prometheus or the prober died, and the target was still down.

    The window ends; that the outage went on is for the measurement to say.
    """
    await receive(incidents, 10, 11, 12)

    assert await windows(incidents) == {
        ("46a765906ebe7b2a", "2026-11-23T12:54:30.632Z", "2026-11-23T12:54:57.632Z"),
        ("ec4919e7bf3afb5a", "2026-11-23T12:55:08.632Z", "2026-11-23T12:55:19.632Z"),
    }


async def test_a_firing_after_the_resolve_keeps_the_end_until_a_later_one_comes(incidents):
    """Request 13 looks the same whether the alert opened again or an old request came late.

    The known end is kept; a second resolve moves it.
    """
    (opened,) = read_webhook(CAPTURED[13]).windows
    start = opened.starts_at_ms
    ended = IncidentWindow(
        fingerprint=opened.fingerprint,
        starts_at_ms=start,
        ends_at_ms=start + 5_000,
        labels=json.loads(opened.labels),
    )

    await incidents.keep(telling(ended))
    await receive(incidents, 13)
    (kept,) = await incidents.overlapping(EVER)
    later = IncidentWindow(
        fingerprint=opened.fingerprint,
        starts_at_ms=start,
        ends_at_ms=start + 60_000,
        labels=json.loads(opened.labels),
    )
    await incidents.keep(telling(later))
    (moved,) = await incidents.overlapping(EVER)

    assert kept.ends_at_ms == start + 5_000
    assert moved.ends_at_ms == start + 60_000


async def test_nanoseconds_are_cut_to_milliseconds(incidents):
    """Request 14: Alertmanager made up the start, with nine decimals."""
    await receive(incidents, 14)

    assert await windows(incidents) == {("8b29fe333feed483", "2026-11-23T13:22:44.098Z", None)}


async def test_the_twin_requests_of_a_pair_are_one_window(incidents):
    """Requests 15 and 16 differ in nothing but the sender."""
    await receive(incidents, 15, 16)

    assert len(await windows(incidents)) == 1


async def test_an_alert_that_is_missing_is_not_resolved(incidents):
    """Request 17: the other alert of the group was silenced; its window stays open."""
    (present,) = read_webhook(CAPTURED[17]).windows
    silenced = IncidentWindow(
        fingerprint="a" * 16,
        starts_at_ms=present.starts_at_ms,
        ends_at_ms=None,
        labels={**json.loads(present.labels), "instance": "a"},
    )

    await incidents.keep(telling(silenced))
    await receive(incidents, 17, 17)

    assert {w.ends_at_ms for w in await incidents.overlapping(EVER)} == {None}


async def test_every_request_is_kept_byte_for_byte(database, incidents):
    """The evidence behind a window can be shown as it came."""
    await receive(incidents, *sorted(CAPTURED))

    async with database.read() as connection:
        query = select(t.webhook_request.c.body).order_by(t.webhook_request.c.id)
        bodies = list((await connection.execute(query)).scalars())

    assert [json.loads(zlib.decompress(body)) for body in bodies] == [
        CAPTURED[number] for number in sorted(CAPTURED)
    ]


async def test_a_repeat_writes_nothing_but_the_evidence(database, incidents):
    """What is known already is neither written nor locked; the request is kept all the same."""
    await receive(incidents, 1)
    refuse = {
        True: ["CREATE TRIGGER no BEFORE UPDATE ON incident BEGIN SELECT RAISE(ABORT, 'no'); END"],
        False: [
            (
                "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql "
                "AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"
            ),
            "CREATE TRIGGER no BEFORE UPDATE ON incident FOR EACH ROW EXECUTE FUNCTION no()",
        ],
    }
    async with database.write() as connection:
        for statement in refuse[database.is_sqlite]:
            await connection.exec_driver_sql(statement)

    await receive(incidents, 1)

    async with database.read() as connection:
        kept = (await connection.execute(select(t.webhook_request.c.id))).all()
    assert len(kept) == 2
    assert await windows(incidents) == {(*A[:2], None)}


async def test_many_windows_of_one_request_are_stored_each_once(database, incidents):
    """More than fit into a statement, and some of them twice."""
    windows = [
        IncidentWindow(fingerprint=f"{n:016x}", starts_at_ms=1_000, ends_at_ms=None, labels={})
        for n in range(2_500)
    ]

    await incidents.keep(telling(*windows, *(replace(w, ends_at_ms=9_000) for w in windows[:9])))
    await incidents.join()

    async with database.read() as connection:
        ends = list((await connection.execute(select(t.incident.c.ends_at_ms))).scalars())
    assert (len(ends), ends.count(9_000)) == (2_500, 9)


async def test_only_what_touches_the_span_is_given(incidents):
    """An alert of last year says nothing about this month."""
    await receive(incidents, 1, 3)
    (ended,) = [w for w in await incidents.overlapping(EVER) if w.fingerprint == A[0]]

    after = Window(ended.window.end_ms, ended.window.end_ms + 1_000_000)

    assert {w.fingerprint for w in await incidents.overlapping(after)} == {B[0]}


async def test_open_windows_are_counted_once(database, incidents):
    """A flap counts as one open window, an ended alert as none."""
    await receive(incidents, 2, 3, 6, 7)
    assert (await DatabaseFigures(database).figures()).webhook_backlog == 4
    await incidents.join()

    figures = await DatabaseFigures(database).figures()

    assert (figures.open_incidents, figures.webhook_backlog) == (2, 0)
