"""Who may send webhooks. Comparisons take the same time whatever is compared."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request must present: a bearer token, a user with password, or nothing."""

    bearer_token: str | None = field(default=None, repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)

    def admit(self, authorization: str) -> bool:
        """Judge the value of an Authorization header."""
        if self.bearer_token is None and self.basic_auth is None:
            return True
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "bearer" and self.bearer_token is not None:
            return _same(given.strip(), self.bearer_token)
        if scheme.lower() == "basic" and self.basic_auth is not None:
            return _same(_decoded(given), ":".join(self.basic_auth))
        return False

    @property
    def challenge(self) -> str:
        """Say in a WWW-Authenticate header what is asked for."""
        return 'Bearer realm="sla-exporter"' if self.bearer_token else 'Basic realm="sla-exporter"'


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _decoded(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
