"""What texts must be like, for a database and for mail."""

from __future__ import annotations

import re

# NUL, and halves of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def is_storable(data: object) -> bool:
    """Look into decoded JSON, however deep it is."""
    waiting = [data]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str) and UNSTORABLE.search(found):
            return False
        if isinstance(found, dict):
            waiting += [*found, *found.values()]
        elif isinstance(found, list):
            waiting += found
    return True


def is_mail_address(text: str) -> bool:
    """Say whether mail could go there: something on both sides of one @, and no spaces."""
    return bool(_ADDRESS.fullmatch(text))
