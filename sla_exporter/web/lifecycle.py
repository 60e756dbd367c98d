"""``POST /-/reload``: the configuration is read again for who has a token to operate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from sla_exporter.errors import ConfigInvalid, StoreUnavailable
from sla_exporter.ports.api import Scope
from sla_exporter.web.api.access import admitted
from sla_exporter.web.api.problems import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sla_exporter.ports.api import TokenStore

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="sla-exporter"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadHandler:
    """Reads the configuration file again; a bad one leaves the old one in force.

    Reading costs, and what is wrong in a file is told with what stands there: so not for anybody.
    """

    tokens: TokenStore
    reload: Callable[[], Awaitable[None]]

    async def serve(self, request: web.Request) -> web.Response:
        """Answer when it is in force, or why it is not."""
        try:
            await admitted(self.tokens, request, Scope.OPERATE)
            await self.reload()
        except Refused as error:
            said = f"{error}\na signal, SIGHUP, reloads without a token\n"
            headers = _CHALLENGE if error.status == 401 else None
            return web.Response(status=error.status, text=said, headers=headers)
        except StoreUnavailable as error:
            said = f"no token can be looked up: {error}\na signal, SIGHUP, reloads without one\n"
            return web.Response(status=503, text=said)
        except ConfigInvalid as error:
            return web.Response(status=400, text=f"the old configuration stays:\n{error}\n")
        return web.Response(text="reloaded\n")
