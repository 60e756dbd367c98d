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


@dataclass(slots=True)
class WebTls:
    """What the web config file says, in force; without a file there is neither TLS nor a header."""

    path: Path | None = None
    config: WebConfig = field(default_factory=WebConfig)
    context: ssl.SSLContext | None = None

    def load(self) -> None:
        """Read the file and its certificates, again if need be; open connections stay.

        Raises:
            ConfigInvalid: what was in force before stays so.
        """
        if self.path is None:
            return
        config = load_web_config(self.path)
        context = _context(config, self.path) if config.tls_server_config else None
        if self.context and context:
            # The server keeps the context that it began with; new handshakes use what is put there.
            self.context.sni_callback = _switch_to(context)
        self.config, self.context = config, self.context or context

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


def _switch_to(context: ssl.SSLContext) -> Any:
    def switch(connection: ssl.SSLObject, _name: str | None, _old: ssl.SSLContext) -> None:
        connection.context = context

    return switch


def _names(certificate: dict[str, Any]) -> set[str]:
    return {value for _, value in certificate.get("subjectAltName", ())}
