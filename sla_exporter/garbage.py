"""The garbage collector: how often it looks for what refers to itself in a circle.

Hardly anything here does. Looking through all objects again and again, as it does from the start,
takes a third of the time of closing a month of many contracts, and more the more there are.
"""

from __future__ import annotations

import gc

# Objects made since the last look, and how many looks at the young make one at older ones.
_SELDOM = (50_000, 20, 50)


def look_seldom() -> None:
    """Look at new objects seldom, and never again at those that are there now."""
    gc.freeze()
    gc.set_threshold(*_SELDOM)
