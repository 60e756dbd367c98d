"""Writing a row where there may be one already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table
    from sqlalchemy.ext.asyncio import AsyncConnection


async def add(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows that are not there yet, and say how many those were."""
    if not rows:
        return 0
    statement = _insert(connection, table).values(list(rows)).on_conflict_do_nothing()
    # Without being told to, psycopg does not say for inserts.
    counting = statement.execution_options(preserve_rowcount=True)
    return (await connection.execute(counting)).rowcount


def put(connection: Connection | AsyncConnection, table: Table, row: Mapping[str, Any]) -> Any:
    """Say to write a row in the place of the one with its primary key, if there is one.

    Who says the same at the same time waits until this transaction is over. So a transaction that
    replaces rows of another table begins with this: only then does it see what it replaces.
    """
    keys = [column.name for column in table.primary_key]
    values = {name: value for name, value in row.items() if name not in keys}
    statement = _insert(connection, table).values(row)
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


def _insert(connection: Connection | AsyncConnection, table: Table) -> Any:
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)
