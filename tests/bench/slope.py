"""How a time follows a size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def exponent(seconds: Mapping[int, float]) -> float:
    """Give the slope between the smallest and the largest size, both on a logarithmic scale.

    1.0 is linear growth: ten times the size takes ten times as long.
    """
    first, last = min(seconds), max(seconds)
    return round(math.log(seconds[last] / seconds[first]) / math.log(last / first), 2)
