"""``events``: counters of good and of all events, for promises about shares of requests.

Time is cut into slots on whole multiples of their length since the epoch. Prometheus' ``increase``
says how many events each slot had, so a counter that starts again from zero is its business. From
the slots comes what the promise speaks of: the share of good events, the average of the slots'
shares (:mod:`sla_exporter.core.sli.counts`), or downtime, a slot being down when its error rate is
over a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window, subtract, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Slot(NamedTuple):
    """How many events a stretch of time had; fractions, because ``increase`` extrapolates."""

    window: Window
    good: Fraction
    total: Fraction

    @property
    def share(self) -> Fraction:
        """Which part of the events was good; counters that disagree are cut to 0 and 1."""
        return min(max(self.good / self.total, Fraction(0)), Fraction(1))


class Empty(StrEnum):
    """How a slot counts in which nothing happened."""

    UP = "up"
    LEFT_OUT = "left out"
    DOWN = "down"


class Availability(StrEnum):
    """What the promise speaks of."""

    EVENTS = "share of events"
    SLOTS = "average of slots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Two counters, and how they become an availability.

    ``by`` are the labels that tell contracts apart. With ``down_over``, a slot whose error rate is
    over that share is downtime, and the availability is one of time.
    """

    good: str
    total: str
    by: tuple[str, ...]
    interval_ms: int = 300_000
    availability: Availability = Availability.EVENTS
    down_over: Fraction | None = None
    empty: Empty = Empty.UP

    @property
    def max_gap_ms(self) -> int:
        """A slot stands for itself and no longer."""
        return self.interval_ms

    @property
    def selector(self) -> str:
        """How a person would name what is measured."""
        return f"{self.good} / {self.total}"

    def count_of(self, counter: str) -> str:
        """Write the PromQL that counts the events of the slot before a moment."""
        return f"sum by ({', '.join(self.by)}) (increase({counter}[{self.interval_ms}ms]))"

    def state_of(self, slots: Iterable[Slot], span: Window) -> SeriesState:
        """Say when a series was down or unknown: unknown where it has no slot at all."""
        known: list[Window] = []
        down: list[Window] = []
        unknown: list[Window] = []
        for slot in slots:
            known.append(slot.window)
            verdict = self._judge(slot)
            if verdict is not None:
                (down if verdict == "down" else unknown).append(slot.window)
        missing = subtract((span,), tidy(known))
        return SeriesState(down=tidy(down), unknown=tidy((*unknown, *missing)))

    def _judge(self, slot: Slot) -> str | None:
        if self.down_over is None:
            return None
        if slot.total <= 0:
            return {Empty.UP: None, Empty.LEFT_OUT: "unknown", Empty.DOWN: "down"}[self.empty]
        return "down" if 1 - slot.share > self.down_over else None


def joined(series: Sequence[Sequence[Slot]]) -> list[Slot]:
    """Add up what several series of one contract counted, slot by slot, in order of time."""
    sums: dict[Window, tuple[Fraction, Fraction]] = {}
    for slots in series:
        for window, good, total in slots:
            before = sums.get(window, (Fraction(0), Fraction(0)))
            sums[window] = (before[0] + good, before[1] + total)
    return [Slot(window, *sums[window]) for window in sorted(sums)]


def slots_of(
    good: Mapping[int, Fraction], total: Mapping[int, Fraction], length_ms: int
) -> list[Slot]:
    """Pair what both counters say at the ends of slots; no good event is no sample of the good."""
    return [
        Slot(Window(end - length_ms, end), good.get(end, Fraction(0)), count)
        for end, count in sorted(total.items())
    ]


def replaced_within(old: Iterable[Slot], span: Window, new: Iterable[Slot]) -> list[Slot]:
    """Forget the slots that begin inside the span, and put the new ones there."""
    low, high = span
    kept = (slot for slot in old if not low <= slot.window.start_ms < high)
    return sorted((*kept, *new))
