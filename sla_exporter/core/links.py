"""Signed links: who holds one may do one thing, until a day, without a login.

A token is what is signed and the HMAC-SHA256 over it, both in URL-safe base64. What is signed names
the purpose, the settlement with its revision, and the end; so a token opens nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum

CLAIM = "claim"
_CONTEXT = b"sla-exporter link 1\n"
_LONGEST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a token opens."""

    purpose: str
    settlement: str
    revision: int
    expires_at_ms: int


class LinkFault(StrEnum):
    """Why a token opens nothing."""

    FORGED = "forged"  # not ours, changed, or for something else
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs with the first key; tokens of the others are still taken, until they expire."""

    keys: tuple[str, ...] = field(repr=False)

    def token(self, link: Link) -> str:
        """Sign a link."""
        said = (link.purpose, str(link.revision), str(link.expires_at_ms), link.settlement)
        body = "\n".join(said).encode()
        return f"{_text(body)}.{_text(_sign(self.keys[0], body))}"

    def read(self, token: str, purpose: str, now_ms: int) -> Link | LinkFault:
        """Give what a token opens, if it is for this purpose and its time is not over."""
        body = self._body(token)
        if body is None:
            return LinkFault.FORGED
        named, revision, expires, settlement = body.decode().split("\n", 3)
        link = Link(
            purpose=named,
            settlement=settlement,
            revision=int(revision),
            expires_at_ms=int(expires),
        )
        if link.purpose != purpose:
            return LinkFault.FORGED
        return link if now_ms < link.expires_at_ms else LinkFault.EXPIRED

    def _body(self, token: str) -> bytes | None:
        """Give what was signed by one of our keys."""
        first, dot, second = token.partition(".")
        if not dot or len(token) > _LONGEST:
            return None
        body, signature = _bytes(first), _bytes(second)
        if body is None or signature is None:
            return None
        # Every key is tried, so that the time taken tells nothing.
        fits = [hmac.compare_digest(_sign(key, body), signature) for key in self.keys]
        return body if any(fits) else None


def _sign(key: str, body: bytes) -> bytes:
    return hmac.new(key.encode(), _CONTEXT + body, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes | None:
    """Read base64 as :func:`_text` writes it, and in no second spelling."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _text(data) == text else None
