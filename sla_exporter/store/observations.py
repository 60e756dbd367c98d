"""Observed windows in the database: only what was not up, so storage grows with outages."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from sla_exporter.core.samples import UP, SeriesState
from sla_exporter.core.windows import Window, replace_within
from sla_exporter.ports.measuring import Watermark
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts
from sla_exporter.store.event_slots import replace_slots, slots_touching
from sla_exporter.store.labels import labels_from_text, labels_to_text
from sla_exporter.store.partials import partials_touching, replace_partials
from sla_exporter.store.upserts import put

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from sqlalchemy import Connection

    from sla_exporter.core.affected import Partial
    from sla_exporter.core.sli.events import Slot
    from sla_exporter.core.windows import Windows
    from sla_exporter.ports import Labels
    from sla_exporter.ports.measuring import Observation
    from sla_exporter.store.engine import Database

_NAMED_AT_MOST = 200  # series; past that, reading all of them is cheaper


class Observations:
    """The observation store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[tuple[int, int | None], frozenset[Labels]]] = {}

    async def watermark(self, service: str) -> Watermark | None:
        """Say how far the service was observed."""
        query = select(
            t.watermark.c.interval_ms,
            t.watermark.c.from_ms,
            t.watermark.c.fresh_until_ms,
            t.watermark.c.final_until_ms,
            t.watermark.c.unread,
        ).where(t.watermark.c.service == service)
        row = await self._database.read_in_one_go(lambda c: c.execute(query).one_or_none())
        if row is None:
            return None
        unread = tuple(Window(*window) for window in json.loads(row.unread))
        return Watermark(**row._asdict() | {"unread": unread})

    async def known_series(self, service: str) -> AbstractSet[Labels]:
        """Give the series that were seen before.

        Series are only ever added, so as many with the same last one are the same.
        """
        return await self._database.read_in_one_go(partial(self._known_series, service))

    async def record(
        self, service: str, span: Window, found: Observation, watermark: Watermark
    ) -> None:
        """Replace what was known inside the span."""
        await self._database.write_in_one_go(
            partial(_record, service=service, span=span, found=found, watermark=watermark)
        )

    async def states(self, service: str, span: Window) -> Mapping[Labels, SeriesState]:
        """Give all series with their non-up windows that touch the span."""
        return await self._database.read_in_one_go(partial(_states, service=service, span=span))

    async def slots(self, service: str, span: Window) -> Mapping[Labels, Sequence[Slot]]:
        """Give the slots of counted events that touch the span."""
        found = await self._database.read_in_one_go(lambda c: slots_touching(c, service, span))
        return {labels_from_text(text): slots for text, slots in found.items()}

    async def affected(self, service: str, span: Window) -> Mapping[Labels, Sequence[Partial]]:
        """Give the stretches of downtime that hit only a share."""
        found = await self._database.read_in_one_go(lambda c: partials_touching(c, service, span))
        return {labels_from_text(text): partials for text, partials in found.items()}

    def _known_series(self, service: str, connection: Connection) -> AbstractSet[Labels]:
        query = select(func.count(), func.max(t.series.c.id)).where(t.series.c.service == service)
        count, last = connection.execute(query).one()
        before, known = self._known.get(service, ((0, None), frozenset()))
        if before != (count, last):
            known = frozenset(_series_ids(connection, service))
            self._known[service] = (count, last), known
        return known


def _record(
    connection: Connection, service: str, span: Window, found: Observation, watermark: Watermark
) -> None:
    connection.execute(put(connection, t.watermark, _mark_row(service, watermark)))
    named = [*found.states, *found.slots]
    ids = _series_ids(connection, service, named) if named else {}
    unseen = [labels for labels in found.states if labels not in ids]
    if unseen:
        ids |= _add_series(connection, service, unseen, watermark.outside(span))
    states = {ids[labels]: state for labels, state in found.states.items()}
    _replace_windows(connection, service, span, states)
    if found.slots:
        slots = {ids[labels]: counted for labels, counted in found.slots.items()}
        replace_slots(connection, span, slots)
    replace_partials(connection, service, span, found.affected)


def _states(connection: Connection, service: str, span: Window) -> Mapping[Labels, SeriesState]:
    ids = _series_ids(connection, service)
    found = _touching(connection, service, span)
    return {labels: found[id_][1] if id_ in found else UP for labels, id_ in ids.items()}


def _series_ids(
    connection: Connection, service: str, only: Sequence[Labels] | None = None
) -> dict[Labels, int]:
    query = select(t.series.c.labels, t.series.c.id).where(t.series.c.service == service)
    if only is not None and len(only) <= _NAMED_AT_MOST:
        query = query.where(t.series.c.labels.in_([labels_to_text(labels) for labels in only]))
    return {labels_from_text(text): id_ for text, id_ in connection.execute(query)}


def _add_series(
    connection: Connection, service: str, unseen: Sequence[Labels], unknown: Windows
) -> dict[Labels, int]:
    """Note series seen for the first time, which are unknown in what was observed without them."""
    rows = [{"service": service, "labels": labels_to_text(labels)} for labels in unseen]
    connection.execute(insert(t.series), rows)
    ids = _series_ids(connection, service, unseen)
    state = SeriesState(unknown=unknown)
    windows = [row for labels in unseen for row in _rows_of(ids[labels], state)]
    if windows:
        connection.execute(insert(t.series_window), windows)
    return ids


def _touching(
    connection: Connection, service: str, span: Window
) -> dict[int, tuple[list[int], SeriesState]]:
    """Give the rows and the state of each series that has windows touching the span."""
    query = (
        select(
            t.series_window.c.id,
            t.series_window.c.series_id,
            t.series_window.c.is_down,
            t.series_window.c.start_ms,
            t.series_window.c.end_ms,
        )
        .join(t.series, t.series.c.id == t.series_window.c.series_id)
        .where(t.series.c.service == service)
        .where(t.series_window.c.end_ms >= span.start_ms, t.series_window.c.start_ms <= span.end_ms)
        .order_by(t.series_window.c.series_id, t.series_window.c.start_ms)
    )
    rows: dict[int, list[tuple[int, bool, Window]]] = {}
    for id_, series_id, is_down, start, end in connection.execute(query):
        rows.setdefault(series_id, []).append((id_, is_down, Window(start, end)))
    return {
        series_id: (
            [id_ for id_, _, _ in found],
            SeriesState(
                down=tuple(window for _, is_down, window in found if is_down),
                unknown=tuple(window for _, is_down, window in found if not is_down),
            ),
        )
        for series_id, found in rows.items()
    }


def _replace_windows(
    connection: Connection, service: str, span: Window, states: Mapping[int, SeriesState]
) -> None:
    old = _touching(connection, service, span)
    gone: list[int] = []
    rows: list[dict[str, object]] = []
    for series_id in old.keys() | states.keys():
        ids, before = old.get(series_id, ([], UP))
        now = states.get(series_id, UP)
        after = SeriesState(
            down=replace_within(before.down, span, now.down),
            unknown=replace_within(before.unknown, span, now.unknown),
        )
        if after != before:
            gone.extend(ids)
            rows.extend(_rows_of(series_id, after))
    for part in in_parts(gone):
        connection.execute(delete(t.series_window).where(t.series_window.c.id.in_(part)))
    if rows:
        connection.execute(insert(t.series_window), rows)


def _rows_of(series_id: int, state: SeriesState) -> Iterable[dict[str, object]]:
    for is_down, windows in ((True, state.down), (False, state.unknown)):
        for start, end in windows:
            yield {"series_id": series_id, "is_down": is_down, "start_ms": start, "end_ms": end}


def _mark_row(service: str, watermark: Watermark) -> dict[str, object]:
    return {
        "service": service,
        "interval_ms": watermark.interval_ms,
        "from_ms": watermark.from_ms,
        "fresh_until_ms": watermark.fresh_until_ms,
        "final_until_ms": watermark.final_until_ms,
        "unread": json.dumps(watermark.unread),
    }
