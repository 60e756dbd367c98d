"""What the API needs: tokens, and lists of what was written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.audit import Balance, Line
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.settled import Settled
    from sla_exporter.ports.settling import Decision


class Scope(StrEnum):
    """What a token opens."""

    INGEST = "ingest"  # send webhooks
    READ = "read"
    OPERATE = "operate"  # decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token of the API, without its secret."""

    name: str
    scopes: frozenset[Scope]
    created_at_ms: int
    revoked_at_ms: int | None = None


class TokenStore(Protocol):
    """Knows bearer tokens."""

    async def known(self, secret: str) -> Token | None:
        """Give the token in force that somebody presents, if it is one."""
        ...


class Lists(Protocol):
    """Lists of what was written, page by page.

    Each method gives at most ``limit`` of what fits the filters, after the key that the page before
    ended with.
    """

    async def settlements(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Settled]:
        """Give settlements by key."""
        ...

    async def credits(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Settled]:
        """Give settlements that owe something, by key."""
        ...

    async def incidents(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[IncidentWindow]:
        """Give incident windows; the key is ``<start in ms>/<fingerprint>``."""
        ...

    async def decisions(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[tuple[int, Decision]]:
        """Give decisions with their numbers, which are the keys."""
        ...

    async def lines(self, filters: Mapping[str, str], after: str, limit: int) -> Sequence[Line]:
        """Give ledger entries; the key is their number."""
        ...

    async def balances(
        self, filters: Mapping[str, str], after: str, limit: int
    ) -> Sequence[Balance]:
        """Give balances; the key is ``<contract>/<currency>``."""
        ...
