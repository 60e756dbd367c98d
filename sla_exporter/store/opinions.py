"""Second opinions that were given, so that nobody is asked the same twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window
from sla_exporter.store import tables as t
from sla_exporter.store.upserts import put

if TYPE_CHECKING:
    from sla_exporter.store.engine import Database


class Opinions:
    """The opinion store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def kept(
        self, source: str, contract: str, span: Window, since_ms: int
    ) -> SeriesState | None:
        """Give an answer that is not older than that."""
        c = t.opinion.c
        query = select(c.windows).where(
            c.source == source,
            c.contract == contract,
            c.start_ms == span.start_ms,
            c.end_ms == span.end_ms,
            c.answered_at_ms >= since_ms,
        )
        async with self._database.read() as connection:
            found = (await connection.execute(query)).scalar_one_or_none()
        if found is None:
            return None
        windows = json.loads(found)
        return SeriesState(
            down=tuple(Window(*window) for window in windows["down"]),
            unknown=tuple(Window(*window) for window in windows["unknown"]),
        )

    async def keep(
        self, source: str, contract: str, span: Window, state: SeriesState, at_ms: int
    ) -> None:
        """Keep an answer in the place of an older one."""
        row = {
            "source": source,
            "contract": contract,
            "start_ms": span.start_ms,
            "end_ms": span.end_ms,
            "windows": json.dumps({"down": state.down, "unknown": state.unknown}),
            "answered_at_ms": at_ms,
        }
        async with self._database.write() as connection:
            await connection.execute(put(connection, t.opinion, row))
