"""What the slots of a period say together: counted once, and one availability made of them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.sli.events import Availability, Empty, Events, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sla_exporter.core.windows import Window, Windows

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSum:
    """Slots added up; ``shares`` adds up the shares of good events of the ``busy`` ones."""

    good: Fraction = _ZERO
    total: Fraction = _ZERO
    shares: Fraction = _ZERO
    busy: int = 0
    empty: int = 0

    @classmethod
    def of(cls, slots: Sequence[Slot]) -> EventSum:
        """Add slots up."""
        busy = [slot for slot in slots if slot.total > 0]
        shares = [slot.share for slot in busy]
        return cls(
            good=sum((share * s.total for share, s in zip(shares, busy, strict=True)), _ZERO),
            total=sum((slot.total for slot in busy), _ZERO),
            shares=sum(shares, _ZERO),
            busy=len(busy),
            empty=len(slots) - len(busy),
        )

    @property
    def slots(self) -> int:
        """How many slots there were."""
        return self.busy + self.empty

    @property
    def forgiven(self) -> EventSum:
        """What the sum were if every event had been good, and something good in every slot."""
        slots = self.slots
        return EventSum(good=self.total, total=self.total, shares=Fraction(slots), busy=slots)

    def __add__(self, other: EventSum) -> EventSum:
        return EventSum(
            good=self.good + other.good,
            total=self.total + other.total,
            shares=self.shares + other.shares,
            busy=self.busy + other.busy,
            empty=self.empty + other.empty,
        )

    def without(self, other: EventSum) -> EventSum:
        """Take slots out again that were added."""
        return EventSum(
            good=self.good - other.good,
            total=self.total - other.total,
            shares=self.shares - other.shares,
            busy=self.busy - other.busy,
            empty=self.empty - other.empty,
        )

    def blamed_for(self, other: EventSum) -> EventSum:
        """Count the bad events of other slots, and not their good ones."""
        return replace(
            self,
            good=max(self.good - (other.total - other.good), _ZERO),
            shares=max(self.shares - (other.busy - other.shares), _ZERO),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCount:
    """The slots of a period, added up.

    ``apart`` are slots that are not in the sum, because somebody wants their time excluded.
    """

    availability: Availability
    empty: Empty
    sum: EventSum
    apart: tuple[Slot, ...] = ()

    @property
    def everything(self) -> EventSum:
        """The sum of all slots."""
        return self.sum + EventSum.of(self.apart)

    @property
    def ratio(self) -> Fraction | None:
        """The availability by all slots."""
        return self.ratio_of(self.everything)

    def ratio_of(self, counted: EventSum) -> Fraction | None:
        """Make an availability of a sum; ``None`` where nothing counts."""
        if self.availability is Availability.SLOTS:
            return self._average(counted)
        if counted.total:
            return counted.good / counted.total
        if counted.empty and self.empty is not Empty.LEFT_OUT:
            return Fraction(self.empty is Empty.UP)
        return None

    def _average(self, counted: EventSum) -> Fraction | None:
        slots = counted.busy + (0 if self.empty is Empty.LEFT_OUT else counted.empty)
        full = counted.empty if self.empty is Empty.UP else 0
        return (counted.shares + full) / slots if slots else None

    def setting_apart(self, slots: Iterable[Slot], windows: Windows) -> EventCount:
        """Take those of the counted slots that lie in the windows out of the sum, by name."""
        apart = slots_within(slots, windows) if windows else ()
        return replace(self, sum=self.everything.without(EventSum.of(apart)), apart=apart)


def count_events(events: Events, slots: Sequence[Slot]) -> EventCount:
    """Count slots by the rules of a service."""
    return EventCount(availability=events.availability, empty=events.empty, sum=EventSum.of(slots))


def whole_slots(slots: Iterable[Slot], span: Window) -> tuple[Slot, ...]:
    """Give the slots that lie in the span as a whole."""
    low, high = span
    return tuple(s for s in slots if s.window.start_ms >= low and s.window.end_ms <= high)


def slots_within(slots: Iterable[Slot], windows: Windows) -> tuple[Slot, ...]:
    """Give the slots that the windows cover as a whole.

    The windows are tidy, so only the last one that begins before a slot can cover it.
    """
    starts = [window.start_ms for window in windows]
    found = ((bisect_right(starts, slot.window.start_ms) - 1, slot) for slot in slots)
    return tuple(slot for at, slot in found if at >= 0 and windows[at].end_ms >= slot.window.end_ms)
