"""Bearer tokens of the API: only hashes are stored.

A token is 256 random bits, so a plain SHA-256 of it cannot be guessed back.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from sla_exporter.errors import DecisionRefused
from sla_exporter.ports.api import Scope, Token
from sla_exporter.store import tables as t

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sla_exporter.store.engine import Database

_PREFIX = "slax_"


class Tokens:
    """The tokens on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, name: str, scopes: Iterable[Scope], at_ms: int) -> str:
        """Make a token and give it; it cannot be read again.

        Raises:
            DecisionRefused: if a token of that name is there, revoked or not.
        """
        secret = _PREFIX + secrets.token_urlsafe(32)
        row = {
            "name": name,
            "hash": _hash(secret),
            "scopes": ",".join(sorted(scopes)),
            "created_at_ms": at_ms,
        }
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(t.api_token).values(row))
        except IntegrityError:
            raise DecisionRefused(f"there is a token {name!r} already; take another name") from None
        return secret

    async def all(self) -> Sequence[Token]:
        """Give every token that ever was, by name."""
        query = select(t.api_token).order_by(t.api_token.c.name)
        async with self._database.read() as connection:
            return [_token(row) for row in await connection.execute(query)]

    async def revoke(self, name: str, at_ms: int) -> None:
        """Let a token open nothing any more.

        Raises:
            DecisionRefused: if there is no such token in force.
        """
        c = t.api_token.c
        statement = (
            update(t.api_token)
            .where(c.name == name, c.revoked_at_ms.is_(None))
            .values(revoked_at_ms=at_ms)
        )
        async with self._database.write() as connection:
            if not (await connection.execute(statement)).rowcount:
                raise DecisionRefused(f"there is no token {name!r} in force")

    async def known(self, secret: str) -> Token | None:
        """Give the token in force that somebody presents, if it is one."""
        c = t.api_token.c
        query = select(t.api_token).where(c.hash == _hash(secret), c.revoked_at_ms.is_(None))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return _token(row) if row else None


def _hash(secret: str) -> str:
    # What is presented may hold any bytes; those that are no text come as surrogates.
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _token(row: Any) -> Token:
    return Token(
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes.split(",") if scope),
        created_at_ms=row.created_at_ms,
        revoked_at_ms=row.revoked_at_ms,
    )
