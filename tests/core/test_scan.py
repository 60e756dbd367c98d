"""The scan finds all trouble: whatever the samples, it gives what reading all of them gives."""

from __future__ import annotations

from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_exporter.core.samples import Cadence, SeriesState, read_samples
from sla_exporter.core.scan import Chunk, SeriesScan, chunks, reading_plan
from sla_exporter.core.windows import Window, clip, tidy

INTERVAL = 100
CADENCE = Cadence.of(INTERVAL)
GAP = CADENCE.max_gap_ms


def between(points, start, end):
    """Give the samples in (start, end]."""
    times = [at for at, _ in points]
    return points[bisect_right(times, start) : bisect_right(times, end)]


def scanned(points, chunk: Chunk) -> tuple[SeriesState, int]:
    """Play the scan of one series against a list of its samples; count what was read raw."""
    start, end = chunk.span
    windows = {
        at: [up for _, up in between(points, at - chunk.window_ms, at)] for at in chunk.window_ends
    }

    def unlike_clean(measure) -> list[int]:
        if not any(windows.values()):
            return []  # a series without any sample is in no answer
        return [at for at, ups in windows.items() if measure(ups) != chunk.samples_per_window]

    scan = SeriesScan(
        chunk=chunk,
        flagged_at=unlike_clean(sum),
        at_start=between(points, start - GAP, start),
        at_end=between(points, end - GAP, end),
    )
    read = read_wanted(scan, points)
    if scan.samples_in_windows() != sum(map(len, windows.values())):
        scan.flagged_at = sorted({*scan.flagged_at, *unlike_clean(len)})
        read += read_wanted(scan, points)
    return scan.state(), read


def read_wanted(scan: SeriesScan, points) -> int:
    read = 0
    while spans := scan.wanted():
        for span in spans:
            found = between(points, span.start_ms - GAP, span.end_ms + 2 * GAP)
            scan.take(found)
            read += len(found)
        scan.has_read(spans)
    return read


@st.composite
def series(draw, length: int, jitter: int = 0, *, gaps: bool = True, surplus: bool = False):
    """Draw a series on a grid: with jitter, zeros, gaps, absences, and samples too many."""
    phase = draw(st.integers(0, INTERVAL - 1))
    points = []
    stretches = st.lists(st.tuples(st.integers(0, length), st.integers(1, 60)), max_size=3)
    absent = draw(stretches) if gaps else []
    kinds = "1111111111111111111110" + "." * gaps + "+" * surplus
    for slot in range(length):
        if any(start <= slot < start + size for start, size in absent):
            continue
        kind = draw(st.sampled_from(kinds))
        shift = draw(st.integers(-jitter, jitter)) if jitter else 0
        if kind != ".":
            points.append((slot * INTERVAL + phase + shift, kind != "0"))
        if kind == "+":
            points.append((slot * INTERVAL + phase + INTERVAL // 3, draw(st.booleans())))
    return sorted(points)


CHUNK = Chunk(
    span=Window(2_000, 2_000 + 16 * 10 * INTERVAL), cadence=CADENCE, samples_per_window=20
)


@settings(max_examples=200)
@given(series(length=240))
def test_a_regular_series_is_read_exactly(points):
    """Zeros, gaps and absences on a grid are found, wherever they lie."""
    expected = read_samples(points, CHUNK.span, CADENCE)

    assert expected == scanned(points, CHUNK)[0]


@settings(max_examples=200)
@given(series(length=240, jitter=INTERVAL // 4 - 1))
def test_a_jittering_series_is_read_exactly(points):
    """So they are when every sample comes up to a quarter of an interval early or late."""
    expected = read_samples(points, CHUNK.span, CADENCE)

    assert expected == scanned(points, CHUNK)[0]


@settings(max_examples=200)
@given(series(length=240, gaps=False, surplus=True))
def test_no_bad_sample_hides_behind_a_surplus_one(points):
    """A window with a sample too many and a bad one sums up like a clean one; it is found."""
    expected = read_samples(points, CHUNK.span, CADENCE)

    assert expected == scanned(points, CHUNK)[0]


@pytest.mark.parametrize("phase", [0, 1, 50, 99])
def test_a_zero_hidden_by_a_surplus_sample_is_found(phase):
    """A window of one sample too many, one of which is bad, sums up like a clean one."""
    points = [(slot * INTERVAL + phase, slot != 100) for slot in range(250)]
    points.append((100 * INTERVAL + phase + 30, True))

    state, _ = scanned(sorted(points), CHUNK)

    assert (Window(100 * INTERVAL + phase, 100 * INTERVAL + phase + 30),) == state.down


def test_an_absence_of_whole_windows_is_found():
    """Windows without any sample have no sum at all, and that is seen."""
    start, length = CHUNK.span.start_ms, CHUNK.window_ms
    gone = Window(start + 2 * length, start + 4 * length)
    points = [
        (at, True) for at in range(50, 30_000, INTERVAL) if not gone.start_ms < at <= gone.end_ms
    ]

    state, _ = scanned(points, CHUNK)

    last = max(at for at, _ in points if at <= gone.start_ms)
    first = min(at for at, _ in points if at > gone.end_ms)
    assert (Window(last + INTERVAL, first),) == state.unknown


def test_a_bad_last_sample_before_the_chunk_lasts_into_it():
    """The chunk begins in an outage that its own sums cannot see."""
    start = CHUNK.span.start_ms
    points = [(at, at != start - 20) for at in range(-20, 30_000, INTERVAL)]

    state, _ = scanned(points, CHUNK)

    assert (Window(start, start - 20 + INTERVAL),) == state.down


def test_a_clean_series_costs_no_raw_samples():
    """What the sums and the edges prove clean is not read."""
    points = [(at, True) for at in range(37, 30_000, INTERVAL)]

    assert (SeriesState(), 0) == scanned(points, CHUNK)


def test_little_is_read_around_one_bad_sample():
    """One bad sample costs its window and the neighbours, not the whole chunk."""
    points = [(at, at != 100 * INTERVAL + 37) for at in range(37, 30_000, INTERVAL)]

    _, read = scanned(points, CHUNK)

    assert read <= 80


@given(
    st.integers(0, 5_000),
    st.integers(0, 400_000),
    st.sampled_from([1_000, 7_000, 15_000, 60_000]),
    st.sampled_from([40_000, 300_000]),
)
def test_chunks_follow_one_another_and_leave_little_over(start, length, interval, longest):
    """Chunks touch, are a whole number of windows, and leave less than two intervals at the end."""
    span = Window(start, start + length)
    found = list(chunks(span, Cadence.of(interval), longest))

    position = start
    for chunk in found:
        assert position == chunk.span.start_ms
        assert chunk.span.length_ms % chunk.window_ms == 0
        assert chunk.span.length_ms <= max(longest, 2 * interval)
        position = chunk.span.end_ms
    assert position <= span.end_ms
    if interval * 2 <= longest:
        assert span.end_ms - position < 2 * interval


@given(
    st.dictionaries(
        st.integers(0, 30),
        st.tuples(st.integers(0, 5_000), st.integers(1, 3_000)),
        max_size=20,
    )
)
def test_the_reading_plan_covers_everything_asked_for(wanted):
    """Every span of every series lies in queries of the plan, with its margins."""
    spans = {k: (Window(start, start + size),) for k, (start, size) in wanted.items()}

    plan = reading_plan(spans, CADENCE, bucket_ms=1_000, most_samples=200)

    for key, (span,) in spans.items():
        parts = tidy(part for _, members in plan for part in members.get(key, ()))
        assert parts == (Window(span.start_ms - GAP, span.end_ms + 2 * GAP),)
    for hull, members in plan:
        assert all(clip(parts, hull) == parts for parts in members.values())
        assert len(members) == 1 or len(members) * hull.length_ms / INTERVAL <= 200
