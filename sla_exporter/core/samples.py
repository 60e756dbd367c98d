"""What the raw samples of one series say: when it was down, and when nobody knows.

The rule, in full: a sample's state holds until the next sample of the series, if that comes within
``max_gap_ms``. If it does not, the state holds for one interval and the series is unknown from then
until its next sample. A series with no sample before a moment is unknown at that moment. Unknown is
never silently up or down; what it costs is the policy's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from sla_exporter.core.windows import Window, Windows, clip, tidy

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often a series is sampled, and how long a sample may stand for what follows it.

    An interval is stated by the service or inferred from the spacing of its samples.
    """

    interval_ms: int
    max_gap_ms: int

    def __post_init__(self) -> None:
        if not 0 < self.interval_ms <= self.max_gap_ms:
            raise ValueError(f"a cadence needs 0 < interval <= max gap, not {self}")

    @classmethod
    def of(cls, interval_ms: int, max_gap_ms: int | None = None) -> Cadence:
        """Take the default gap of two and a half intervals unless one is stated."""
        return cls(interval_ms=interval_ms, max_gap_ms=max_gap_ms or interval_ms * 5 // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesState:
    """When one series, or one contract, was not up; both tidy, never overlapping."""

    down: Windows = ()
    unknown: Windows = ()

    def within(self, span: Window) -> SeriesState:
        """Cut to the span."""
        return SeriesState(down=clip(self.down, span), unknown=clip(self.unknown, span))


UP = SeriesState()


def never_seen(span: Window) -> SeriesState:
    """Give the state of a series without a single sample: unknown throughout."""
    return SeriesState(unknown=(span,))


def read_samples(
    samples: Sequence[tuple[int, bool]], span: Window, cadence: Cadence
) -> SeriesState:
    """Turn samples ``(at_ms, is_up)``, in order of time, into the state within the span.

    The answer is exact if the samples are complete from one ``max_gap_ms`` before the span to one
    after it, so a period may be read in pieces and the pieces add up to the whole.
    """
    down: list[Window] = []
    unknown: list[Window] = []
    if not samples:
        return never_seen(span)
    unknown.append(Window(min(span.start_ms, samples[0][0]), samples[0][0]))
    horizon = (max(span.end_ms, samples[-1][0]) + cadence.max_gap_ms + 1, True)
    for (at, is_up), (following, _) in pairwise((*samples, horizon)):
        holds_until = following
        if following - at > cadence.max_gap_ms:
            holds_until = at + cadence.interval_ms
            unknown.append(Window(holds_until, following))
        if not is_up:
            down.append(Window(at, holds_until))
    return SeriesState(down=tidy(down), unknown=tidy(unknown)).within(span)
