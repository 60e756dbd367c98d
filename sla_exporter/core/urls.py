"""URLs that carry secrets: a login before the host, or a token in the query."""

from __future__ import annotations

import re

# Up to the last @ of the word, as people put anything into a password.
_LOGIN = re.compile(r"(?<=://)\S+(?=@)")
_TOKEN = re.compile(r"([?&][^\s=&]*(?:password|token|secret|key)=)[^\s&]+", re.IGNORECASE)
_BEHIND_THE_HOST = re.compile(r"\w+://[^/?#]*(.*)", re.DOTALL)


def without_secrets(text: str, mask: str = "***") -> str:
    """Mask what is secret in the URLs of a text."""
    return _TOKEN.sub(rf"\1{mask}", _LOGIN.sub(mask, text))


def unambiguous(url: str) -> str:
    """Give a URL in which no ``/``, ``?`` or ``#`` of a password ends the host too early.

    Raises:
        ValueError: if it may be read in two ways; what it holds is not repeated.
    """
    found = _BEHIND_THE_HOST.match(url)
    if found and "@" in found[1]:
        raise ValueError(
            "write / ? # in a user name or password as %2F %3F %23, and @ elsewhere as %40"
        )
    return url
