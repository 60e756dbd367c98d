"""TLS for the server: certificates that a reload reads again, and clients by certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sla_exporter.core.problems import Place, Problem
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.web_config import WebConfig, load_web_config

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_REQUIREMENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


class _ServerContext(ssl.SSLContext):
    """What the server begins with and keeps; the context in force makes each new connection.

    An SNI callback would be too late for that: OpenSSL takes over only the certificate and the CAs
    then. Each context has session keys of its own, so no session outlives a change.
    """

    in_force: ssl.SSLContext

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """Begin a connection, as asyncio does."""
        return self.in_force.wrap_bio(*args, **kwargs)


@dataclass(slots=True)
class WebTls:
    """What the web config file says, in force; without a file there is neither TLS nor a header."""

    path: Path | None = None
    config: WebConfig = field(default_factory=WebConfig)
    context: _ServerContext | None = None
    _is_loaded: bool = False

    def load(self) -> None:
        """Read the file and its certificates, again if need be; open connections stay.

        Raises:
            ConfigInvalid: what was in force before stays so.
        """
        if self.path is None:
            return
        config = load_web_config(self.path)
        context = _context(config, self.path) if config.tls_server_config else None
        if self._is_loaded and (context is None) != (self.context is None):
            raise _bad(self.path, "TLS can begin or end with a restart only")
        if context:
            self.context = self.context or _ServerContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.in_force = context
        self.config, self._is_loaded = config, True

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Let in the clients that the file names."""
        tls = self.config.tls_server_config
        if tls and tls.client_allowed_sans:
            peer = request.transport and request.transport.get_extra_info("peercert")
            if not _names(peer or {}) & set(tls.client_allowed_sans):
                return web.Response(status=403, text="this certificate is not let in\n")
        return await handler(request)


def _context(config: WebConfig, path: Path) -> ssl.SSLContext:
    tls = config.tls_server_config
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if tls is None:
        return context
    context.minimum_version = _VERSIONS[tls.min_version]
    context.maximum_version = _VERSIONS[tls.max_version]
    for name in filter(None, (tls.cert_file, tls.key_file, tls.client_ca_file)):
        if not (path.parent / name).is_file():
            raise _bad(path, f"there is no file {name}")
    try:
        context.load_cert_chain(path.parent / tls.cert_file, path.parent / tls.key_file)
        if tls.client_ca_file:
            context.load_verify_locations(path.parent / tls.client_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise _bad(path, f"the certificate, its key or the client CA is bad: {error}") from None
    context.verify_mode = _REQUIREMENTS[tls.client_auth_type]
    return context


def _bad(path: Path, said: str) -> ConfigInvalid:
    return ConfigInvalid([Problem(Place(str(path)), f"tls_server_config: {said}")])


def _names(certificate: dict[str, Any]) -> set[str]:
    return {value for _, value in certificate.get("subjectAltName", ())}
