"""Incident windows in the database, with the raw requests that told of them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select, tuple_, update

from sla_exporter.core.incidents import Change, IncidentNote, IncidentWindow, bounded
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts
from sla_exporter.store.joining import join_backlog
from sla_exporter.store.receiving import keep, row_of, set_aside
from sla_exporter.store.together import Together
from sla_exporter.store.upserts import add, put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.core.incidents import Amendment
    from sla_exporter.core.windows import Window
    from sla_exporter.ports.incidents import RawRequest
    from sla_exporter.store.engine import Database


class Incidents:
    """The incident store on a database.

    Who reads windows, or changes them, sees what every request told that was kept by then.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._together = Together(partial(keep, database))
        self._aside = Together(partial(set_aside, database))

    async def keep(self, request: RawRequest) -> None:
        """Keep the request; done means committed. What it tells of is joined later."""
        together = self._together if request.tells else self._aside
        await together.write(row_of(request))

    async def join(self) -> None:
        """Join the windows of all requests that were kept by now."""
        await join_backlog(self._database)

    async def overlapping(self, span: Window) -> Sequence[IncidentWindow]:
        """Give every window that touches the span, with what was changed about it."""
        c = t.incident.c
        # A later firing bounds an open one, so it must be read with it, wherever it lies.
        still_open = select(c.fingerprint).where(c.ends_at_ms.is_(None))
        touches = (c.starts_at_ms < span.end_ms) & (c.ends_at_ms > span.start_ms)
        query = select(t.incident).where(or_(c.fingerprint.in_(still_open), touches))
        await self.join()
        async with self._database.read() as connection:
            windows = bounded([_window(row) for row in await connection.execute(query)])
            found = [
                incident
                for incident in windows
                if incident.window.start_ms < span.end_ms and incident.window.end_ms > span.start_ms
            ]
            return await _with_notes(connection, found)

    async def known(self, span: Window) -> Sequence[IncidentWindow]:
        """Give every window that touches the span, open ones as open as they were told."""
        c = t.incident.c
        ends = or_(c.ends_at_ms.is_(None), c.ends_at_ms > span.start_ms)
        query = select(t.incident).where(c.starts_at_ms < span.end_ms, ends)
        await self.join()
        async with self._database.read() as connection:
            return [_window(row) for row in await connection.execute(query)]

    async def find(self, fingerprint: str, starts_at_ms: int) -> IncidentWindow | None:
        """Give one window."""
        c = t.incident.c
        query = select(t.incident).where(
            c.fingerprint == fingerprint, c.starts_at_ms == starts_at_ms
        )
        await self.join()
        async with self._database.read() as connection:
            found = [_window(row) for row in await connection.execute(query)]
            return next(iter(await _with_notes(connection, found)), None)

    async def amend(self, amendments: Sequence[Amendment]) -> int:
        """Make the changes that still apply, each with its note, and say how many those were."""
        made = 0
        await self.join()
        async with self._database.write() as connection:
            for amendment in amendments:
                if await _amend(connection, amendment):
                    await connection.execute(insert(t.incident_note).values(_note(amendment)))
                    made += 1
        return made

    async def listed(self, windows: Sequence[IncidentWindow], at_ms: int) -> None:
        """Note that Alertmanager lists these as firing."""
        c = t.incident.c
        keys = [(window.fingerprint, window.starts_at_ms) for window in windows]
        await self.join()
        async with self._database.write() as connection:
            for part in in_parts(keys):
                await connection.execute(
                    update(t.incident)
                    .where(tuple_(c.fingerprint, c.starts_at_ms).in_(part))
                    .values(listed_at_ms=at_ms)
                )

    async def repaired_until(self, service: str) -> int | None:
        """Say up to when windows were compared with the alerts in Prometheus."""
        query = select(t.repair_mark.c.until_ms).where(t.repair_mark.c.service == service)
        async with self._database.read() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def mark_repaired(self, service: str, until_ms: int) -> None:
        """Note up to when windows were compared."""
        async with self._database.write() as connection:
            mark = {"service": service, "until_ms": until_ms}
            await connection.execute(put(connection, t.repair_mark, mark))


def _window(row: Any) -> IncidentWindow:
    return IncidentWindow(
        fingerprint=row.fingerprint,
        starts_at_ms=row.starts_at_ms,
        ends_at_ms=row.ends_at_ms,
        labels=json.loads(row.labels),
        annotations=json.loads(row.annotations),
        contract=row.contract,
        listed_at_ms=row.listed_at_ms,
    )


async def _with_notes(
    connection: AsyncConnection, windows: Sequence[IncidentWindow]
) -> list[IncidentWindow]:
    c = t.incident_note.c
    starts = [window.starts_at_ms for window in windows]
    if not starts:
        return []
    found: dict[tuple[str, int], list[IncidentNote]] = {}
    within = c.starts_at_ms.between(min(starts), max(starts))
    for row in await connection.execute(select(t.incident_note).where(within).order_by(c.id)):
        note = IncidentNote(
            what=Change(row.what),
            who=row.who,
            why=row.why,
            at_ms=row.noted_at_ms,
            ends_at_ms=row.ends_at_ms,
        )
        found.setdefault((row.fingerprint, row.starts_at_ms), []).append(note)
    return [
        replace(window, notes=tuple(found.get((window.fingerprint, window.starts_at_ms), ())))
        for window in windows
    ]


async def _amend(connection: AsyncConnection, amendment: Amendment) -> bool:
    """Change the window, unless something else did meanwhile."""
    window, c = amendment.window, t.incident.c
    changed = update(t.incident).where(
        c.fingerprint == window.fingerprint, c.starts_at_ms == window.starts_at_ms
    )
    match amendment.note.what:
        case Change.DISMISSED | Change.RESTORED:
            return True
        case Change.ADDED | Change.FOUND:
            return bool(await add(connection, t.incident, [_row(window)]))
        case Change.REOPENED:
            changed = changed.where(c.ends_at_ms.is_not(None)).values(ends_at_ms=None)
        case _:
            end = window.ends_at_ms
            earlier = or_(c.ends_at_ms.is_(None), c.ends_at_ms < end)
            changed = changed.where(earlier).values(ends_at_ms=end)
    return bool((await connection.execute(changed)).rowcount)


def _note(amendment: Amendment) -> dict[str, Any]:
    window, note = amendment.window, amendment.note
    return {
        "fingerprint": window.fingerprint,
        "starts_at_ms": window.starts_at_ms,
        "what": note.what.value,
        "ends_at_ms": note.ends_at_ms,
        "who": note.who,
        "why": note.why,
        "noted_at_ms": note.at_ms,
    }


def _row(window: IncidentWindow) -> dict[str, Any]:
    return {
        "fingerprint": window.fingerprint,
        "starts_at_ms": window.starts_at_ms,
        "ends_at_ms": window.ends_at_ms,
        "labels": json.dumps(dict(window.labels), ensure_ascii=False),
        "annotations": json.dumps(dict(window.annotations), ensure_ascii=False),
        "contract": window.contract,
        "listed_at_ms": window.listed_at_ms,
    }
