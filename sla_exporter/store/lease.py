"""The lease: which replica runs the jobs, and the fence that keeps a former holder from writing.

A row says who holds it, until when by the database's own clock, and how often it changed hands: its
epoch. Whoever holds it renews it; once it has run out, anybody may take it, under the next epoch.
The clock only decides how soon that happens. What keeps a holder that was paused and has woken up
from writing over its successor is the epoch, which every write of a job compares inside its own
transaction.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import BigInteger, Integer, literal_column, or_, select, text, update

from sla_exporter.errors import LeaseLost
from sla_exporter.store import tables as t
from sla_exporter.store.engine import Database
from sla_exporter.store.upserts import add

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy import ColumnElement, Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

JOBS = "jobs"
_TAKING_LOCK = 0x51C  # any number that only takers of leases use
_TRY = text("SELECT pg_try_advisory_xact_lock(:k)")


class Lease:
    """One replica's view of the lease; ``owner`` must be different for every process."""

    def __init__(self, database: Database, *, owner: str, name: str = JOBS) -> None:
        self._database = database
        self._owner = owner
        self._name = name
        self.epoch: int | None = None
        self._until_s = 0.0  # by the clock of this machine that nobody can set

    @property
    def is_held(self) -> bool:
        """Say whether we held it when we last looked; only a fenced write knows for certain."""
        return self.epoch is not None

    @property
    def is_in_force(self) -> bool:
        """Say whether we hold it and nobody else can have taken it, as it has not run out."""
        return self.is_held and time.monotonic() < self._until_s

    async def acquire(self, length_ms: int) -> bool:
        """Renew the lease, or take it if it is free or has run out; say whether it is ours now."""
        asked_at_s = time.monotonic()
        async with self._database.promptly():
            await self._database.end_silent_sessions(length_ms)
            await self._ask(length_ms)
        self._until_s = asked_at_s + length_ms / 1000
        return self.is_held

    async def _ask(self, length_ms: int) -> None:
        c, now_ms = t.lease.c, _now_ms(self._database)
        span = {"granted_at_ms": now_ms, "expires_at_ms": now_ms + length_ms}
        named = update(t.lease).where(c.name == self._name)
        renewed = named.where(c.owner == self._owner).values(span).returning(c.epoch)
        taken = named.values(span | {"owner": self._owner, "epoch": c.epoch + 1}).returning(c.epoch)
        async with self._database.write() as connection:
            self.epoch = (await connection.execute(renewed)).scalar_one_or_none()
            if self.epoch is None and await self._is_free(connection):
                self.epoch = (await connection.execute(taken)).scalar_one()

    async def _is_free(self, connection: AsyncConnection) -> bool:
        """Say whether it may be taken, and keep everybody else from doing so meanwhile."""
        c, now_ms = t.lease.c, _now_ms(self._database)
        if not self._database.is_sqlite:
            # Who is stopped right here must not make everybody else wait for its row.
            alone = await connection.execute(_TRY, {"k": _TAKING_LOCK})
            if not alone.scalar_one():
                return False
        first = {"name": self._name, "epoch": 0, "granted_at_ms": 0, "expires_at_ms": 0}
        await add(connection, t.lease, [first])
        # A lease that was granted in the future is from before the clock was put back.
        has_run_out = or_(c.owner.is_(None), c.expires_at_ms <= now_ms, c.granted_at_ms > now_ms)
        # Locked it is by a write of its holder; then the next try may get it.
        free = select(c.name).where(c.name == self._name, has_run_out)
        found = await connection.execute(free.with_for_update(skip_locked=True))
        return found.scalar_one_or_none() is not None

    async def release(self) -> None:
        """Give it back, so that nobody has to wait for it."""
        given_back = (
            update(t.lease)
            .where(t.lease.c.name == self._name, t.lease.c.owner == self._owner)
            .values(owner=None)
        )
        async with self._database.promptly(), self._database.write() as connection:
            await connection.execute(given_back)
        self.epoch = None

    def forget(self) -> None:
        """Take it as lost, such as when the database cannot be asked for too long."""
        self.epoch, self._until_s = None, 0.0

    def check(self, connection: Connection) -> None:
        """Make sure, until the transaction ends, that the lease did not change hands.

        Raises:
            LeaseLost: if it did; the transaction must not go on.
        """
        # The lock lets no successor in before this transaction is over, but lets us renew.
        mine = select(t.lease.c.epoch).where(t.lease.c.name == self._name)
        query = mine.with_for_update(read=True, key_share=True)
        epoch = connection.execute(query).scalar_one_or_none()
        if self.epoch is None or epoch != self.epoch:
            self.forget()
            raise LeaseLost("another replica runs the jobs now; this one wrote nothing")


class FencedDatabase(Database):
    """The same database, whose every write needs the lease."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self.engine = database.engine
        self._writer = database._writer  # noqa: SLF001 - the same connections
        # What needs no lease, as webhooks do not, is written by the database itself.
        self._at_once, self._direct = database._at_once, database._direct  # noqa: SLF001
        self._line, self._prompt_s = database._line, database._prompt_s  # noqa: SLF001
        self._lease = lease

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only the holder of the lease gets."""
        async with super().write() as connection:
            await connection.run_sync(self._lease.check)
            yield connection

    async def write_in_one_go(self, work: Callable[[Connection], T]) -> T:
        """Do work in a transaction that only the holder of the lease gets."""

        def fenced(connection: Connection) -> T:
            self._lease.check(connection)
            return work(connection)

        return await super().write_in_one_go(fenced)


def _now_ms(database: Database) -> ColumnElement[int]:
    """Ask the database for the time, so that replicas whose clocks differ agree."""
    if database.is_sqlite:
        return literal_column("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)", Integer)
    return literal_column(
        "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)", BigInteger
    )
