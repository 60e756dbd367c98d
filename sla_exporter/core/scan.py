"""Finding trouble in one pass: which stretches of which series must be read sample by sample.

Reading every sample of a month is slow, so Prometheus looks for trouble itself: one range query
gives ``sum_over_time`` of windows that lie side by side, for every series, so that each sample is
looked at once. A window whose sum is not the number of samples that a clean one holds, or that has
no sum because the series was absent, is *suspect* and is read raw. The rest must be proven clean,
because a sum can hide things: 61 samples of which one is bad look like 60 good ones. Two counts
prove it:

- Of *bad* samples: Prometheus says how many samples it looked at. If that is what all windows
  together hold when every window that was not read is clean, none of them has a sample too many,
  and so none has a bad one. Otherwise, windows are also compared by ``count_over_time``.
- Of *missing* samples: the last sample at or before either end of a stretch says how many
  intervals passed in between. If that is the number of good samples in it, none was missing.

The first proof needs no assumption. The second holds where samples keep to their grid within a
quarter of an interval. What cannot be proven is read raw as well, so the scan saves time and never
exactness.

Windows and stretches own their samples as Prometheus' ranges do: ``(start, end]``.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from sla_exporter.core.samples import Cadence, SeriesState, read_samples
from sla_exporter.core.windows import Window, Windows, clip, subtract, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LONGEST_WINDOW_MS = 60 * 60_000
LONGEST_CHUNK_MS = 7 * 24 * 3_600_000

Sample = tuple[int, bool]
K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One scan: windows side by side, each a whole number of intervals.

    ``samples_per_window`` is what the sum of a window is when no sample is missing or bad.
    """

    span: Window
    cadence: Cadence
    samples_per_window: int

    @property
    def window_ms(self) -> int:
        """How much time one sum looks at."""
        return self.samples_per_window * self.cadence.interval_ms

    @property
    def window_ends(self) -> range:
        """Where the windows end."""
        start, end = self.span
        return range(start + self.window_ms, end + 1, self.window_ms)

    @property
    def clean_total(self) -> int:
        """Say how many samples all windows together hold when no sample is missing."""
        return self.span.length_ms // self.cadence.interval_ms

    def is_clean(self, at_start: Sequence[Sample], at_end: Sequence[Sample]) -> bool:
        """Say whether a series without a flag is proven to have been up throughout.

        That is what :class:`SeriesScan` would find out; here at the price of a subtraction, because
        nearly all series are.
        """
        if not at_start or not at_end or not at_start[-1][1]:
            return False
        drift = at_end[-1][0] - at_start[-1][0] - self.span.length_ms
        return 4 * abs(drift) < self.cadence.interval_ms


def chunks(span: Window, cadence: Cadence, longest_ms: int = LONGEST_CHUNK_MS) -> Iterator[Chunk]:
    """Cut a span into scans, from its start on; less than two intervals may be left over."""
    start = span.start_ms
    while (room := min(span.end_ms - start, longest_ms)) >= 2 * cadence.interval_ms:
        samples = 2 * (min(room, LONGEST_WINDOW_MS) // (2 * cadence.interval_ms) or 1)
        window_ms = samples * cadence.interval_ms
        end = start + room // window_ms * window_ms
        yield Chunk(span=Window(start, end), cadence=cadence, samples_per_window=samples)
        start = end


@dataclass(slots=True, kw_only=True)
class SeriesScan:
    """What is known of one series in one chunk, from the sums to the finished state.

    ``flagged_at`` are the ends of the windows that are not clean; ``at_start`` and ``at_end`` the
    samples of the last ``max_gap_ms`` before either end of the chunk. Ask for what is
    :meth:`wanted`, :meth:`take` it, and ask again until nothing is.
    """

    chunk: Chunk
    flagged_at: Sequence[int] = ()
    at_start: Sequence[Sample] = ()
    at_end: Sequence[Sample] = ()
    read: Windows = ()
    samples: dict[int, bool] = field(default_factory=dict)

    def wanted(self) -> Windows:
        """Say what must be read raw next: what is suspect first, then what cannot be proven."""
        suspect = self._suspect()
        unread = subtract(suspect, self.read)
        return unread or self._unproven(subtract((self.chunk.span,), tidy((*suspect, *self.read))))

    def take(self, samples: Iterable[Sample]) -> None:
        """Receive raw samples, among them all of a span asked for, from its margins on.

        The margins are one max gap before the span and two after it.
        """
        self.samples.update(samples)

    def has_read(self, spans: Windows) -> None:
        """Note that all samples of these spans were taken."""
        self.read = tidy((*self.read, *spans))

    def samples_in_windows(self) -> int:
        """Count the samples of all windows, if every window that was not read is clean."""
        chunk = self.chunk
        total = chunk.clean_total
        times = self._times() if self.read else []
        for start, end in self.read:
            # The windows that lie in what was read hold what was read.
            for at in range(start + chunk.window_ms, end + 1, chunk.window_ms):
                held = bisect_right(times, at) - bisect_right(times, at - chunk.window_ms)
                total += held - chunk.samples_per_window
        return total

    def _suspect(self) -> Windows:
        """Join the flagged windows, and what must be read at either end of the chunk."""
        chunk = self.chunk
        start, end = chunk.span
        length = chunk.window_ms
        # With its neighbours: a late sample may make up in one window for what another lacks.
        flagged = [(max(at - 2 * length, start), min(at + length, end)) for at in self.flagged_at]
        was_there = bool(self.at_start or self.at_end or flagged)
        # An outage may reach in from before; and where no sample is near an edge of the chunk,
        # the nearest ones must be read, or nothing could be counted from there.
        if was_there and not (self.at_start and self.at_start[-1][1]):
            flagged.append((start, start + chunk.window_ms))
        if was_there and not self.at_end:
            flagged.append((end - chunk.window_ms, end))
        return tidy(flagged)

    def _unproven(self, stretches: Windows) -> Windows:
        """Give the stretches in which a sample may be missing.

        A stretch with no sample near either end needs no reading: the series was absent, for had it
        come or gone inside, the windows before or after that would have been flagged.
        """
        times = self._times() if stretches else []
        unproven: list[Window] = []
        for stretch in stretches:
            before = self._last_at(times, stretch.start_ms)
            last = self._last_at(times, stretch.end_ms)
            if before is None and last is None:
                self.has_read((stretch,))
            elif not self._is_proven(stretch, before, last):
                unproven.append(stretch)
        return tuple(unproven)

    def state(self) -> SeriesState:
        """Give the exact state within the chunk, once nothing more is wanted."""
        gap = self.chunk.cadence.max_gap_ms
        known = sorted(self._known().items())
        times = [at for at, _ in known]
        down: list[Window] = []
        unknown: list[Window] = []
        for start, end in self.read:
            first = bisect_right(times, start - gap)
            stop = bisect_right(times, end + 2 * gap)
            # The last sample of a stretch lasts into the clean time behind it.
            reach = Window(start, end + gap)
            piece = read_samples(known[first:stop], reach, self.chunk.cadence)
            down.extend(piece.down)
            unknown.extend(piece.unknown)
        return SeriesState(
            down=clip(tidy(down), self.chunk.span), unknown=clip(tidy(unknown), self.chunk.span)
        )

    def _known(self) -> dict[int, bool]:
        return {**dict(self.at_start), **self.samples, **dict(self.at_end)}

    def _times(self) -> list[int]:
        return sorted(self._known())

    def _last_at(self, times: Sequence[int], at_ms: int) -> int | None:
        """Find the last sample at or before a moment, if it is no older than the max gap."""
        index = bisect_right(times, at_ms) - 1
        if index < 0 or at_ms - times[index] >= self.chunk.cadence.max_gap_ms:
            return None
        return times[index]

    def _is_proven(self, stretch: Window, before: int | None, last: int | None) -> bool:
        if before is None or last is None:
            return False
        drift = last - before - stretch.length_ms
        return 4 * abs(drift) < self.chunk.cadence.interval_ms


def with_margins(spans: Windows, cadence: Cadence) -> Windows:
    """Widen spans by what must be read around them to know the state within."""
    gap = cadence.max_gap_ms
    return tidy((start - gap, end + 2 * gap) for start, end in spans)


def reading_plan(
    wanted: Mapping[K, Windows], cadence: Cadence, bucket_ms: int, most_samples: int
) -> list[tuple[Window, dict[K, Windows]]]:
    """Bundle what many series need into few raw queries, each of bounded size.

    Args:
        wanted: the spans to be read, by series; they are read with their margins.
        cadence: of the service.
        bucket_ms: spans that begin in one bucket of time share a query.
        most_samples: what one answer may hold.

    Returns:
        Pairs of a span ``(start, end]`` and what each series needs of it.
    """
    buckets: dict[int, dict[K, list[Window]]] = {}
    for series, spans in wanted.items():
        for piece in _cut(with_margins(spans, cadence), bucket_ms):
            bucket = buckets.setdefault(piece.start_ms // bucket_ms, {})
            bucket.setdefault(series, []).append(piece)
    plan: list[tuple[Window, dict[K, Windows]]] = []
    for _, members in sorted(buckets.items()):
        pieces = [piece for found in members.values() for piece in found]
        hull = Window(min(p.start_ms for p in pieces), max(p.end_ms for p in pieces))
        at_once = max(1, most_samples * cadence.interval_ms // hull.length_ms)
        keys = list(members)
        for first in range(0, len(keys), at_once):
            part = keys[first : first + at_once]
            plan.append((hull, {key: tuple(members[key]) for key in part}))
    return plan


def _cut(spans: Windows, bucket_ms: int) -> Iterator[Window]:
    for start, end in spans:
        position = start
        while position < end:
            border = min(end, (position // bucket_ms + 1) * bucket_ms)
            yield Window(position, border)
            position = border
