"""Exclusions in the database: what operators entered, silences as they were seen, withdrawals.

Nothing here is ever changed; what does not count any more is withdrawn by a row of its own.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from sla_exporter.core.exclusions import Scope, StatedExclusion, Withdrawal
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.silences import SilenceVersion, maintenance_of
from sla_exporter.core.windows import Window
from sla_exporter.errors import NotPossible
from sla_exporter.store import tables as t
from sla_exporter.store.engine import in_parts
from sla_exporter.store.upserts import add

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sla_exporter.store.engine import Database

_OPERATOR = "operator/"


class Exclusions:
    """The exclusion store on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stated(self, span: Window, silences: Sequence[Matcher]) -> Sequence[StatedExclusion]:
        """Give what touches the span, withdrawn or not, in order of time."""
        async with self._database.read() as connection:
            withdrawn = await _withdrawals(connection)
            entered = await _entered(connection, span)
            versions = await _versions(connection, span) if silences else []
        from_silences = [
            exclusion
            for exclusion in maintenance_of(versions, silences)
            if exclusion.window.start_ms < span.end_ms and exclusion.window.end_ms > span.start_ms
        ]
        found = [
            _with(exclusion, withdrawn.get(exclusion.key))
            for exclusion in (*entered, *from_silences)
        ]
        return sorted(found, key=lambda exclusion: (exclusion.window, exclusion.key))

    async def add(self, exclusion: StatedExclusion, at_ms: int) -> str:
        """Keep what an operator entered, and give its key."""
        values = {
            "service": exclusion.scope.service,
            "contract": exclusion.scope.contract,
            "matchers": _matchers_to_text(exclusion.scope.matchers),
            "kind": exclusion.kind.value,
            "start_ms": exclusion.window.start_ms,
            "end_ms": exclusion.window.end_ms,
            "announced_at_ms": exclusion.announced_at_ms,
            "who": exclusion.who,
            "why": exclusion.why,
            "recorded_at_ms": at_ms,
        }
        async with self._database.write() as connection:
            statement = insert(t.exclusion).values(**values).returning(t.exclusion.c.id)
            return f"{_OPERATOR}{(await connection.execute(statement)).scalar_one()}"

    async def withdraw(self, key: str, withdrawal: Withdrawal) -> None:
        """Note that an exclusion does not count any more.

        Raises:
            NotPossible: if there is none of that key, or it was withdrawn before.
        """
        async with self._database.write() as connection:
            if not await _is_there(connection, key):
                raise NotPossible(f"there is no exclusion {key!r}")
            before = (await _withdrawals(connection)).get(key)
            if before:
                raise NotPossible(f"{key} was withdrawn before, by {before.who}: {before.why}")
            await connection.execute(
                insert(t.exclusion_withdrawal).values(
                    key=key,
                    who=withdrawal.who,
                    why=withdrawal.why,
                    withdrawn_at_ms=withdrawal.at_ms,
                )
            )

    async def record_silences(self, versions: Sequence[SilenceVersion], seen_at_ms: int) -> int:
        """Keep versions that were not seen before, and say how many those were."""
        written = 0
        async with self._database.write() as connection:
            for part in in_parts(versions):
                found = [_silence_row(version, seen_at_ms) for version in part]
                written += await add(connection, t.silence_version, found)
        return written


async def _withdrawals(connection: AsyncConnection) -> dict[str, Withdrawal]:
    rows = await connection.execute(select(t.exclusion_withdrawal))
    return {r.key: Withdrawal(who=r.who, why=r.why, at_ms=r.withdrawn_at_ms) for r in rows}


async def _is_there(connection: AsyncConnection, key: str) -> bool:
    kind, _, name = key.partition("/")
    if kind == "operator" and name.isdecimal():
        query = select(t.exclusion.c.id).where(t.exclusion.c.id == int(name))
    elif kind == "silence":
        query = select(t.silence_version.c.silence).where(t.silence_version.c.silence == name)
    else:
        return False
    return (await connection.execute(query.limit(1))).first() is not None


async def _entered(connection: AsyncConnection, span: Window) -> list[StatedExclusion]:
    c = t.exclusion.c
    query = select(t.exclusion).where(c.start_ms < span.end_ms, c.end_ms > span.start_ms)
    return [_exclusion(row) for row in await connection.execute(query)]


async def _versions(connection: AsyncConnection, span: Window) -> list[SilenceVersion]:
    """Read every version of the silences of which any version touches the span."""
    c = t.silence_version.c
    touching = select(c.silence).where(c.starts_at_ms < span.end_ms, c.ends_at_ms > span.start_ms)
    rows = await connection.execute(select(t.silence_version).where(c.silence.in_(touching)))
    return [
        SilenceVersion(
            id=row.silence,
            updated_at_ms=row.updated_at_ms,
            starts_at_ms=row.starts_at_ms,
            ends_at_ms=row.ends_at_ms,
            matchers=_matchers_from_text(row.matchers),
            created_by=row.created_by,
            comment=row.comment,
        )
        for row in rows
    ]


def _exclusion(row: Any) -> StatedExclusion:
    return StatedExclusion(
        key=f"{_OPERATOR}{row.id}",
        scope=Scope(
            service=row.service,
            contract=row.contract,
            matchers=_matchers_from_text(row.matchers),
        ),
        window=Window(row.start_ms, row.end_ms),
        kind=ExclusionKind(row.kind),
        announced_at_ms=row.announced_at_ms,
        who=row.who,
        why=row.why,
        recorded_at_ms=row.recorded_at_ms,
    )


def _with(exclusion: StatedExclusion, withdrawal: Withdrawal | None) -> StatedExclusion:
    return replace(exclusion, withdrawn=withdrawal) if withdrawal else exclusion


def _silence_row(version: SilenceVersion, seen_at_ms: int) -> dict[str, Any]:
    return {
        "silence": version.id,
        "updated_at_ms": version.updated_at_ms,
        "starts_at_ms": version.starts_at_ms,
        "ends_at_ms": version.ends_at_ms,
        "matchers": _matchers_to_text(version.matchers),
        "created_by": version.created_by,
        "comment": version.comment,
        "seen_at_ms": seen_at_ms,
    }


def _matchers_to_text(matchers: Sequence[Matcher]) -> str:
    return json.dumps([str(matcher) for matcher in matchers], ensure_ascii=False)


def _matchers_from_text(text: str) -> tuple[Matcher, ...]:
    return tuple(Matcher.parse(matcher) for matcher in json.loads(text))
