"""``/claim/<token>``: where customers claim a credit by the link that they were sent.

``GET`` only shows, because mail scanners follow links; ``POST`` claims, and twice is once. A token
proves nothing but itself, so a page tells of its own settlement only. Tokens are not logged.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from sla_exporter.core.claims import Channel, StatedClaim
from sla_exporter.core.links import CLAIM, LinkFault
from sla_exporter.errors import DecisionRefused, StoreUnavailable, UnknownName
from sla_exporter.notices.claim_page import Page, page_of
from sla_exporter.web.rates import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from sla_exporter.core.catalogue import Catalogue, Customer
    from sla_exporter.core.links import Link, Signer
    from sla_exporter.core.settled import Settled
    from sla_exporter.flow.claims import ClaimDesk
    from sla_exporter.notices.claim_page import ClaimPage
    from sla_exporter.ports import Clock

PATH = "/claim/{token}"
_PER_SECOND = 20
_STATUSES = {
    Page.LATE: 410,
    Page.REFUSED: 410,
    Page.SUPERSEDED: 410,
    Page.EXPIRED: 410,
    Page.UNKNOWN: 404,
    Page.BUSY: 503,
}
_HEADERS = {
    # As everywhere, but the button may be pressed.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPages:
    """Answers the links; what a reload may change is asked anew for every request."""

    signer: Callable[[], Signer | None]
    desk: Callable[[], ClaimDesk]
    page: Callable[[], ClaimPage]
    catalogue: Callable[[], Catalogue]
    clock: Clock
    limit: RateLimit = field(default_factory=RateLimit)

    async def show(self, request: web.Request) -> web.Response:
        """Show what can be claimed."""
        return await self._answer(request, claims=False)

    async def claim(self, request: web.Request) -> web.Response:
        """Claim it."""
        return await self._answer(request, claims=True)

    async def _answer(self, request: web.Request, *, claims: bool) -> web.Response:
        if not self.limit.admits(request.remote or "", _PER_SECOND):
            return await self._plain(Page.BUSY, status=429)
        try:
            return await self._opened(request.match_info["token"], claims=claims)
        except StoreUnavailable:
            return await self._plain(Page.BUSY)

    async def _opened(self, token: str, *, claims: bool) -> web.Response:
        signer, now_ms = self.signer(), self.clock.now_ms()
        link = signer.read(token, CLAIM, now_ms) if signer else LinkFault.FORGED
        if isinstance(link, LinkFault):
            return await self._plain(Page.EXPIRED if link is LinkFault.EXPIRED else Page.UNKNOWN)
        settled = await self._settled(link)
        customer = self._customer(settled) if settled else None
        if settled is None or customer is None:
            return await self._plain(Page.UNKNOWN)
        page = page_of(settled, link.revision, now_ms)
        if claims and page in {Page.OFFER, Page.LATE}:
            page, settled = await self._claimed(link, settled, customer, now_ms)
        text = await asyncio.to_thread(self.page().of, page, settled, customer)
        return _html(text, _STATUSES.get(page, 200))

    async def _claimed(
        self, link: Link, settled: Settled, customer: Customer, now_ms: int
    ) -> tuple[Page, Settled]:
        """Claim, and give the page for how the settlement stands then."""
        stated = StatedClaim(
            settlement=settled.key,
            contract=settled.contract,
            channel=Channel.LINK,
            by=customer.id,
            received_at_ms=now_ms,
        )
        try:
            await self.desk().claim(self.catalogue(), stated, now_ms)
        except (DecisionRefused, UnknownName):
            return Page.BUSY, settled
        after = await self._settled(link) or settled
        return page_of(after, link.revision, now_ms), after

    async def _settled(self, link: Link) -> Settled | None:
        found = await self.desk().poster.settlements.find([link.settlement])
        return found[0] if found else None

    def _customer(self, settled: Settled) -> Customer | None:
        """Give the customer, as long as the contract is theirs and in the configuration."""
        for contract in self.catalogue().contracts:
            if contract.id == settled.contract and contract.customer.id == settled.customer:
                return contract.customer
        return None

    async def _plain(self, page: Page, status: int | None = None) -> web.Response:
        text = await asyncio.to_thread(self.page().plain, page)
        return _html(text, status or _STATUSES[page])


def _html(text: str, status: int) -> web.Response:
    headers = _HEADERS | ({"Retry-After": "1"} if status in {429, 503} else {})
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)
