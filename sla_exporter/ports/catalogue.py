"""What a billing system knows about customers and what they pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date
    from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledService:
    """One service of a client; ``months`` is how long ``recurring`` pays for, if it is months.

    ``places`` are where it runs: domain, address, server.
    """

    id: str
    client: str
    product: str
    is_active: bool
    since: date | None
    recurring: Decimal
    cycle: str
    months: int | None
    places: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledClient:
    """One client; ``locale`` is ``None`` where the billing system has its default."""

    id: str
    name: str
    currency: str
    email: str
    locale: str | None


class BillingCatalogue(Protocol):
    """Reads clients and services from a billing system; see also :class:`DeliveryError`."""

    async def services(self, products: Collection[str]) -> Sequence[BilledService]:
        """Give every service of these products, of all clients."""
        ...

    async def clients(self, ids: Collection[str]) -> Mapping[str, BilledClient]:
        """Give these clients."""
        ...
