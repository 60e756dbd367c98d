"""``POST /api/v1/alerts/webhook``: where Alertmanager delivers.

Alertmanager takes 2xx as done, repeats 5xx at once, and tries 4xx once per group interval. So 2xx
means committed, 5xx that trying again can help, and 4xx that it cannot.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import structlog
from aiohttp import web

from sla_exporter.errors import StoreUnavailable
from sla_exporter.ports.api import Scope
from sla_exporter.web.auth import admits, challenge
from sla_exporter.web.connections import BODY_S, in_time
from sla_exporter.web.rates import RateLimit
from sla_exporter.webhook import TooManyAlerts, read_at_once, read_carefully

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sla_exporter.flow.ingest import Ingester
    from sla_exporter.ports.api import TokenStore
    from sla_exporter.settings.config import WebhookAccess
    from sla_exporter.webhook import Webhook

_log = structlog.get_logger(__name__)
_STORED = b'{"message": "stored"}'


class Counting(Protocol):
    """Counts alerts by status and result."""

    def __call__(self, status: str, result: str, alerts: int = 1, /) -> None:
        """Add to the count."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookHandler:
    """Receives alerts; ``count`` is told of their status and result.

    What must be presented is asked anew for every request, as a reload may change it.
    """

    ingester: Ingester
    access: Callable[[], WebhookAccess]
    count: Counting
    tokens: TokenStore | None = None
    limit: RateLimit = field(default_factory=RateLimit)
    _carefully: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def receive(self, request: web.Request) -> web.Response:
        """Take one request."""
        access = self.access()
        if not self.limit.admits(request.remote or "", access.max_rate):
            self.count("unknown", "rate_limited")
            # 503 and not 429, which Alertmanager would not try again.
            return _answer(503, "too many requests; send it again", headers={"Retry-After": "1"})
        if refusal := await self.refusal(request):
            self.count("unknown", "not_stored" if refusal.status == 503 else "unauthorized")
            return refusal
        try:
            body = await _read_body(request, access.max_body)
        except ConnectionError:  # cut off in the middle: nobody reads what we answer
            self.count("unknown", "malformed")
            return _answer(400, "the request ended before its body did")
        except TimeoutError:
            self.count("unknown", "malformed")
            return _answer(408, f"the body did not come within {BODY_S} seconds")
        except web.HTTPRequestEntityTooLarge:
            self.count("unknown", "too_large")
            return _answer(413, f"the request is larger than {access.max_body} bytes")
        try:
            webhook = read_at_once(body, windows=False) or await self._read_carefully(body)
        except TooManyAlerts as error:
            self.count("unknown", "too_large")
            return _answer(413, str(error))
        except (ValueError, RecursionError) as error:
            self.count("unknown", "malformed")
            return await self._keep_malformed(request, body, str(error))
        return await self._take(body, webhook)

    async def _read_carefully(self, body: bytes) -> Webhook:
        """Read what something is wrong with: one at a time, and nothing else waits for it."""
        async with self._carefully:
            return await asyncio.to_thread(read_carefully, body)

    async def _admits(self, access: WebhookAccess, authorization: str) -> bool:
        """Let in who has the configured credentials, or a token with the scope for it.

        Raises:
            StoreUnavailable: if the token cannot be looked up now.
        """
        if admits(access, authorization):
            return True
        scheme, _, secret = authorization.partition(" ")
        if self.tokens is None or scheme.lower() != "bearer":
            return False
        token = await self.tokens.known(secret.strip())
        return token is not None and Scope.INGEST in token.scopes

    async def refusal(self, request: web.Request) -> web.Response | None:
        """Give the answer to who does not present what is asked for, or nothing."""
        access = self.access()
        try:
            if await self._admits(access, request.headers.get("Authorization", "")):
                return None
        except StoreUnavailable as error:
            _log.warning("a token could not be looked up", error=str(error))
            return _answer(503, "the token cannot be looked up now; send it again")
        asked = {"WWW-Authenticate": challenge(access)}
        return _answer(401, "the credentials are missing or wrong", headers=asked)

    async def _take(self, body: bytes, webhook: Webhook) -> web.Response:
        said = "; ".join(webhook.problems)
        try:
            await self.ingester.ingest(
                body=body,
                sender=webhook.sender,
                truncated=webhook.truncated,
                problem=said or None,
                tells=bool(webhook.statuses),
            )
        except StoreUnavailable as error:
            self._count(webhook.statuses, "not_stored")
            _log.warning("webhook not stored; Alertmanager will send it again", error=str(error))
            return _answer(503, "the alerts could not be stored; send them again")
        self._count(webhook.statuses, "stored")
        if webhook.truncated:
            self.count("unknown", "truncated", webhook.truncated)
            _log.warning(
                "Alertmanager cut alerts off; set max_alerts to 0", alerts=webhook.truncated
            )
        if webhook.problems:
            self.count("unknown", "malformed", webhook.unreadable)
            return _answer(422, f"stored, but for: {said}")
        return web.Response(body=_STORED, content_type="application/json")

    def _count(self, statuses: Sequence[str], result: str) -> None:
        for status, alerts in Counter(statuses).items():
            self.count(status, result, alerts)

    async def _keep_malformed(self, request: web.Request, body: bytes, said: str) -> web.Response:
        """Keep as evidence what could not be read; a retry would not help, so answer 4xx."""
        _log.warning("webhook cannot be read", error=said, remote=request.remote)
        try:
            await self.ingester.ingest(body=body, sender="", problem=said[:500], tells=False)
        except StoreUnavailable:
            return _answer(503, "the request could not be stored; send it again")
        return _answer(400, said)


async def _read_body(request: web.Request, most: int) -> bytes:
    """Read the body, but no more of it than is allowed, and not for ever."""
    if (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=request.content_length or 0)
    chunks: list[bytes] = []
    size = 0
    async with in_time(request):
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > most:
                raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=size)
            chunks.append(chunk)
    return b"".join(chunks)


def _answer(status: int, said: str, headers: dict[str, str] | None = None) -> web.Response:
    key = "message" if status < 300 else "error"
    return web.json_response({key: said}, status=status, headers=headers)
