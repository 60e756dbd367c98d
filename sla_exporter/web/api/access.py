"""Who is let in by a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.web.api.problems import Refused

if TYPE_CHECKING:
    from aiohttp import web

    from sla_exporter.ports.api import Scope, Token, TokenStore


async def admitted(tokens: TokenStore, request: web.Request, scope: Scope) -> Token:
    """Give the token that a request presents.

    Raises:
        Refused: if there is none, or it has not the scope.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    token = await tokens.known(secret.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        made = f"sla-exporter tokens add NAME --scope {scope}"
        raise Refused(401, f'a token is needed; "{made}" makes one')
    if scope not in token.scopes:
        raise Refused(403, f"the token {token.name} has not the scope {scope}")
    return token
