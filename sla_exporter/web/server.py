"""The HTTP server: routes, and what they need from the application."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from sla_exporter.errors import StoreUnavailable
from sla_exporter.web.api.problems import problem
from sla_exporter.web.api.routes import API, ROOT
from sla_exporter.web.claims import PATH as CLAIM_PATH
from sla_exporter.web.connections import Doorkeeper
from sla_exporter.web.pages import render_status
from sla_exporter.web.tls import WebTls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler

    from sla_exporter.ports.figures import FigureStore
    from sla_exporter.web.api.handlers import Api
    from sla_exporter.web.claims import ClaimPages
    from sla_exporter.web.hooks import WebhookHandler

ROUTES = (
    ("POST", "/api/v1/alerts/webhook"),
    ("GET", "/metrics"),
    ("GET", "/-/healthy"),
    ("GET", "/-/ready"),
    ("POST", "/-/reload"),
    ("GET", "/api/v1/status/config"),
    ("GET", "/"),
    ("GET", CLAIM_PATH),
    ("POST", CLAIM_PATH),
    *((route.method, route.path) for route in API),
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything the routes answer from."""

    webhook: WebhookHandler
    figures: FigureStore
    metrics: Handler
    reload: Handler
    is_ready: Callable[[], Awaitable[str]]
    api: Api | None = None
    claims: ClaimPages | None = None
    shown_config: Callable[[], str] = lambda: ""
    tls: WebTls = field(default_factory=WebTls)
    doorkeeper: Doorkeeper = field(default_factory=Doorkeeper)

    def application(self) -> web.Application:
        """Build the aiohttp application."""
        handlers: dict[tuple[str, str], Handler] = {
            ("POST", "/api/v1/alerts/webhook"): self.webhook.receive,
            ("GET", "/metrics"): self.metrics,
            ("GET", "/-/healthy"): _healthy,
            ("GET", "/-/ready"): self.ready,
            ("POST", "/-/reload"): self.reload,
            ("GET", "/api/v1/status/config"): self.config,
            ("GET", "/"): self.status,
        }
        if self.claims:
            handlers["GET", CLAIM_PATH] = self.claims.show
            handlers["POST", CLAIM_PATH] = self.claims.claim
        logging.getLogger("aiohttp.server").addFilter(_is_ours_to_mend)
        application = web.Application(
            middlewares=[self.doorkeeper.middleware, self.tls.middleware, _explained]
        )
        application.on_response_prepare.append(self._secure)
        for (method, path), handler in handlers.items():
            application.router.add_route(method, path, handler)
        for method, path, handler in self.api.handlers() if self.api else ():
            application.router.add_route(method, path, handler)
        return application

    async def ready(self, _request: web.Request) -> web.Response:
        """Say whether requests can be served now; the reason if not."""
        missing = await self.is_ready()
        if missing:
            return web.Response(status=503, text=f"{missing}\n")
        return web.Response(text="sla-exporter is ready.\n")

    async def config(self, request: web.Request) -> web.Response:
        """Show the configuration in force, with secrets masked, to whom webhooks are taken from."""
        refusal = await self.webhook.refusal(request)
        data = {"status": "success", "data": {"yaml": self.shown_config()}}
        return refusal or web.json_response(data)

    async def status(self, _request: web.Request) -> web.Response:
        """Show how the open periods stand."""
        try:
            figures = await self.figures.figures()
        except StoreUnavailable as error:
            return web.Response(status=503, text=f"{error}\n")
        page = await asyncio.to_thread(render_status, figures)
        return web.Response(text=page, content_type="text/html")

    async def _secure(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add headers to every answer, errors of the server included."""
        response.headers["Server"] = "sla-exporter"  # and not which libraries in which version
        headers = _HEADERS | self.tls.config.http_server_config.headers
        for name, value in headers.items():
            response.headers.setdefault(name, value)


def _is_ours_to_mend(record: logging.LogRecord) -> bool:
    """Leave out what aiohttp says, with a traceback, of a request that is no HTTP.

    It does so from the second request of a connection on, and anybody could fill the log with that.
    """
    error = record.exc_info and record.exc_info[1]
    return not isinstance(error, HttpProcessingError)


async def _healthy(_request: web.Request) -> web.Response:
    return web.Response(text="sla-exporter is healthy.\n")


@web.middleware
async def _explained(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer a path or method of the API that is not there as a problem too."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if not request.path.startswith(ROOT):
            raise
        response = problem(error.status, f"{request.method} {request.path}: {error.reason}")
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
