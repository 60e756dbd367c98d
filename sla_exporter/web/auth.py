"""Who may send webhooks. Comparisons take the same time whatever is compared."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sla_exporter.settings.config import WebhookAccess


def admits(access: WebhookAccess, authorization: str) -> bool:
    """Judge the value of an Authorization header; anything goes where nothing is configured."""
    if access.bearer_token is None and access.basic_auth is None:
        return True
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "bearer" and access.bearer_token is not None:
        return _same(given.strip(), access.bearer_token)
    if scheme.lower() == "basic" and access.basic_auth is not None:
        return _same(_decoded(given), ":".join(access.basic_auth))
    return False


def challenge(access: WebhookAccess) -> str:
    """Say in a WWW-Authenticate header what is asked for."""
    return f'{"Bearer" if access.bearer_token else "Basic"} realm="sla-exporter"'


def _same(given: str, wanted: str) -> bool:
    # A header may hold any bytes; those that are no text come as surrogates.
    return hmac.compare_digest(given.encode(errors="surrogateescape"), wanted.encode())


def _decoded(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode()
    except ValueError:
        return ""
