"""What no database takes as text: NUL, and halves of a surrogate pair."""

from __future__ import annotations

import re

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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
