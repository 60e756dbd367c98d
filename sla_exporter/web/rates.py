"""Rate limits: how often one address may ask."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BURST_S = 2
_MOST_ADDRESSES = 10_000


@dataclass(slots=True)
class RateLimit:
    """A bucket for each address, filled with time; the oldest are forgotten to bound memory."""

    seconds: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def admits(self, address: str, per_second: int) -> bool:
        """Take one request out of the address' bucket, if there is one in it."""
        now_s, most = self.seconds(), float(per_second * _BURST_S)
        left, at_s = self._buckets.pop(address, (most, now_s))
        left = min(most, left + (now_s - at_s) * per_second)
        self._buckets[address] = (max(left - 1, 0), now_s) if left >= 1 else (left, now_s)
        if len(self._buckets) > _MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return left >= 1
