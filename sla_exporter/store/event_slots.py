"""Counted events in the database: a row for each series and day, so a year stays small."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from sla_exporter.core.periods import DAY_MS
from sla_exporter.core.sli.events import Slot, replaced_within
from sla_exporter.core.windows import Window
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection


def replace_slots(
    connection: Connection, span: Window, found: Mapping[int, Sequence[Slot]]
) -> None:
    """Forget the slots inside the span, of these series, and note the new ones."""
    days = range(span.start_ms // DAY_MS * DAY_MS, span.end_ms, DAY_MS)
    new = {
        (series_id, day): [s for s in slots if day <= s.window.start_ms < day + DAY_MS]
        for series_id, slots in found.items()
        for day in days
    }
    old = _days(connection, span, found)
    rows = []
    for key, slots in new.items():
        after = replaced_within(old.get(key, ()), span, slots)
        if after != old.get(key):
            rows.append({"series_id": key[0], "day_ms": key[1], "slots": _to_text(after)})
    for day in days:
        changed = [row["series_id"] for row in rows if row["day_ms"] == day]
        for part in in_parts(changed):
            query = delete(t.event_day).where(t.event_day.c.day_ms == day)
            connection.execute(query.where(t.event_day.c.series_id.in_(part)))
    if rows:
        connection.execute(insert(t.event_day), rows)


def slots_touching(connection: Connection, service: str, span: Window) -> dict[str, list[Slot]]:
    """Give the slots of a service that touch the span, by the text of the labels."""
    query = (
        select(t.series.c.labels, t.event_day.c.slots)
        .join(t.series, t.series.c.id == t.event_day.c.series_id)
        .where(t.series.c.service == service)
        .where(t.event_day.c.day_ms >= span.start_ms - 2 * DAY_MS)
        .where(t.event_day.c.day_ms < span.end_ms)
        .order_by(t.event_day.c.series_id, t.event_day.c.day_ms)
    )
    found: dict[str, list[Slot]] = {}
    for labels, text in connection.execute(query):
        slots = [s for s in _from_text(text) if _touches(s.window, span)]
        found.setdefault(labels, []).extend(slots)
    return found


def _days(
    connection: Connection, span: Window, found: Mapping[int, Sequence[Slot]]
) -> dict[tuple[int, int], list[Slot]]:
    known: dict[tuple[int, int], list[Slot]] = {}
    c = t.event_day.c
    for part in in_parts(list(found)):
        query = select(c.series_id, c.day_ms, c.slots).where(
            c.series_id.in_(part), c.day_ms > span.start_ms - DAY_MS, c.day_ms < span.end_ms
        )
        for series_id, day, text in connection.execute(query):
            known[series_id, day] = _from_text(text)
    return known


def _touches(window: Window, span: Window) -> bool:
    return window.end_ms >= span.start_ms and window.start_ms <= span.end_ms


def _to_text(slots: Sequence[Slot]) -> str:
    rows = [[*slot.window, str(slot.good), str(slot.total)] for slot in slots]
    return json.dumps(rows, separators=(",", ":"))


def _from_text(text: str) -> list[Slot]:
    return [
        Slot(Window(start, end), Fraction(good), Fraction(total))
        for start, end, good, total in json.loads(text)
    ]
