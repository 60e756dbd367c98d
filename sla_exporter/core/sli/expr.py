"""``expr``: any PromQL that is 0 or 1, evaluated at every step; the step is the resolution."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Expr:
    """An expression that gives 1 where a service is up and 0 where it is down.

    Steps lie on whole multiples of ``interval_ms`` since the epoch. A value stands for its step; a
    step without one is unknown.
    """

    selector: str
    interval_ms: int = 60_000

    @property
    def max_gap_ms(self) -> int:
        """A value stands for its own step and no longer."""
        return self.interval_ms
