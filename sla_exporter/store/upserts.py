"""Writing a row where there may be one already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Table
    from sqlalchemy.ext.asyncio import AsyncConnection


def put(
    connection: Connection | AsyncConnection, table: Table, row: Mapping[str, Any]
) -> sqlite.Insert | postgresql.Insert:
    """Say to write a row in the place of the one with its primary key, if there is one.

    Who says the same at the same time waits until this transaction is over. So a transaction that
    replaces rows of another table begins with this: only then does it see what it replaces.
    """
    keys = [column.name for column in table.primary_key]
    values = {name: value for name, value in row.items() if name not in keys}
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).values(row).on_conflict_do_update(index_elements=keys, set_=values)
