"""Clients and services, read from WHMCS.

``GetClientsProducts`` answers with the services' passwords. What is taken out of a row is named
here, one by one; nothing else of an answer is kept, logged or stored.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sla_exporter.ports.catalogue import BilledClient, BilledService
from sla_exporter.sinks import loose
from sla_exporter.sinks.whmcs import WhmcsApi, WhmcsSection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from sla_exporter.outgoing import Network

_PAGE = 100
_MONTHS = {
    "Monthly": 1,
    "Quarterly": 3,
    "Semi-Annually": 6,
    "Annually": 12,
    "Biennially": 24,
    "Triennially": 36,
}
_ACTIVE = {"Active", "Suspended"}
_PLACES = ("domain", "dedicatedip", "serverhostname")
_LOCALES = {"english": "en", "portuguese-br": "pt_BR", "portuguese-pt": "pt_PT", "spanish": "es"}


class WhmcsCatalogue:
    """Reads from a WHMCS installation, one request at a time."""

    def __init__(
        self, name: str, section: WhmcsSection, allow_private: Sequence[Network] = ()
    ) -> None:
        self._api = WhmcsApi(name, section, allow_private)

    async def services(self, products: Collection[str]) -> list[BilledService]:
        """Give every service of these products."""
        return [_service(row) async for row in self._rows() if str(row.get("pid")) in products]

    async def clients(self, ids: Collection[str]) -> dict[str, BilledClient]:
        """Give these clients."""
        return {client: await self._client(client) for client in sorted(ids)}

    async def close(self) -> None:
        """Give connections back."""
        await self._api.close()

    async def _rows(self) -> AsyncIterator[dict[str, Any]]:
        start = 0
        while True:
            content = await self._api.call(
                "GetClientsProducts", limitstart=str(start), limitnum=str(_PAGE)
            )
            found = loose.rows(content.get("products"), "product")
            for row in found:
                yield row
            start += len(found)
            if not found or start >= loose.amount(content.get("totalresults", 0)):
                return

    async def _client(self, client: str) -> BilledClient:
        content = await self._api.call("GetClientsDetails", clientid=client)
        row = content.get("client") or content
        return BilledClient(
            id=client,
            name=str(row.get("companyname") or row.get("fullname") or f"client {client}"),
            currency=str(row.get("currency_code")),
            email=str(row.get("email") or ""),
            locale=_LOCALES.get(str(row.get("language") or "").lower()),
        )


def _service(row: dict[str, Any]) -> BilledService:
    cycle = str(row.get("billingcycle"))
    return BilledService(
        id=str(row["id"]),
        client=str(row["clientid"]),
        product=str(row["pid"]),
        is_active=row.get("status") in _ACTIVE,
        since=_day(row.get("regdate")),
        recurring=loose.amount(row.get("recurringamount")),
        cycle=cycle,
        months=_MONTHS.get(cycle),
        places={name: str(row[name]) for name in _PLACES if row.get(name)},
    )


def _day(value: Any) -> date | None:
    """Read a day; WHMCS has 0000-00-00 for none."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
