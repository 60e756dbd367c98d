"""Availability as an exact fraction, with the time that nobody measured accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.windows import total_ms

if TYPE_CHECKING:
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.windows import Window


class Unknown(StrEnum):
    """How a policy counts time without measurements."""

    EXCLUDE = "exclude"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """How much of a span was up, in whole milliseconds.

    ``up_ms`` is the numerator and ``counted_ms`` the denominator after the policy's word on unknown
    time; ``down_ms`` and ``unknown_ms`` are what was measured.
    """

    span_ms: int
    down_ms: int
    unknown_ms: int
    up_ms: int
    counted_ms: int

    @classmethod
    def over(cls, span: Window, state: SeriesState, unknown: Unknown) -> Availability:
        """Count a state, which lies within the span."""
        down_ms, unknown_ms = total_ms(state.down), total_ms(state.unknown)
        counted_ms = span.length_ms - (unknown_ms if unknown is Unknown.EXCLUDE else 0)
        not_up_ms = down_ms + (unknown_ms if unknown is Unknown.DOWN else 0)
        return cls(
            span_ms=span.length_ms,
            down_ms=down_ms,
            unknown_ms=unknown_ms,
            up_ms=counted_ms - not_up_ms,
            counted_ms=counted_ms,
        )

    @property
    def ratio(self) -> Fraction | None:
        """Up time to counted time; ``None`` where nothing counts."""
        return Fraction(self.up_ms, self.counted_ms) if self.counted_ms else None

    @property
    def coverage(self) -> Fraction:
        """Which share of the span was measured at all."""
        return 1 - Fraction(self.unknown_ms, self.span_ms) if self.span_ms else Fraction(0)
