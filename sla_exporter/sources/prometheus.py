"""Prometheus and everything that speaks its API, through prometheus-api-client.

The client is synchronous; it runs on a few threads of its own. A query that is too large for the
server is split until it fits.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from prometheus_api_client import PrometheusConnect
from urllib3.util import Retry

from sla_exporter.core.periods import datetime_of
from sla_exporter.core.windows import Window, clip
from sla_exporter.errors import QueryRejected, QueryTooLarge
from sla_exporter.ports.measuring import ScanAnswer
from sla_exporter.sources.dialect import CLOSED_RANGE, METRICSQL, Dialect
from sla_exporter.sources.retention import UNTOLD, Retention, from_flags, from_runtime_info
from sla_exporter.sources.selectors import narrowed
from sla_exporter.sources.session import PrometheusSession, milliseconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sla_exporter.core.catalogue import Service
    from sla_exporter.core.scan import Chunk, Sample
    from sla_exporter.core.windows import Windows
    from sla_exporter.ports import Labels, Value
    from sla_exporter.sources.dialect import Question
    from sla_exporter.sources.session import Point, SeriesAnswer, SeriesList

_Part = tuple[range, ScanAnswer]
P = ParamSpec("P")
T = TypeVar("T")

CONCURRENCY = 4
_POINTS_A_QUERY = 10_000  # the server allows 11,000 per series
_SHORTEST_SPLIT_MS = 60_000
_HOUR_MS = 3_600_000
_STATES = {"1": True, "0": False, "-0": False}


class PrometheusSource:
    """The sample source on a Prometheus server."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 120,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        retention_ms: int | None = None,
    ) -> None:
        self.session = PrometheusSession(url, timeout_s=timeout_s, headers=headers or {})
        self._url = url.rstrip("/")
        self._auth = auth
        self._retention = retention_ms
        self._client = PrometheusConnect(
            url=self._url,
            session=self.session,
            auth=auth,
            method="POST",
            retry=Retry(total=0),
        )
        self._dialect: Dialect | None = None
        self._threads = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="prometheus")

    def close(self) -> None:
        """Let running queries end and give the connections back."""
        self._threads.shutdown()
        self._client.close()

    async def samples(
        self, service: Service, span: Window, needed: Mapping[Labels, Windows] | None = None
    ) -> Mapping[Labels, Sequence[Sample]]:
        """Give raw samples of the span ``(start, end]``; of all series, or what is needed."""
        selector = narrowed(service.selector, list(needed)) if needed else service.selector
        read = partial(self._read_samples, selector, needed=needed)
        return await self._in_parts(read, span)

    async def scan(self, service: Service, chunk: Chunk) -> ScanAnswer:
        """Find the windows that are not clean."""
        dialect = await self._spoken()
        found = await self._compare(dialect.scan(service.selector, chunk), chunk)
        return replace(found, is_proof=dialect.speaks_metricsql)

    async def miscounted(self, service: Service, chunk: Chunk) -> Mapping[Labels, list[int]]:
        """Give the ends of the windows that hold too many or too few samples."""
        dialect = await self._spoken()
        return (
            await self._compare(dialect.over_time("count", service.selector, chunk), chunk)
        ).flagged

    async def points(
        self, selector: str, span: Window
    ) -> Mapping[Labels, Sequence[tuple[int, str]]]:
        """Give the samples in ``(start, end]`` as milliseconds and text, whatever they mean."""
        return await self._in_parts(partial(self._read_points, selector), span)

    async def _in_parts(
        self, read: Callable[[Window], Mapping[Labels, Sequence[T]]], span: Window
    ) -> Mapping[Labels, Sequence[T]]:
        """Read a span as a whole, or in halves of halves if that is too much at once."""
        try:
            return await self._call(read, span)
        except QueryTooLarge:
            if span.length_ms <= _SHORTEST_SPLIT_MS:
                raise
        middle = (span.start_ms + span.end_ms) // 2
        first = await self._in_parts(read, Window(span.start_ms, middle))
        second = await self._in_parts(read, Window(middle, span.end_ms))
        return {
            labels: (*first.get(labels, ()), *second.get(labels, ()))
            for labels in first.keys() | second.keys()
        }

    async def _compare(self, question: Question, chunk: Chunk) -> ScanAnswer:
        query, ends, clean = question.query, chunk.window_ends, f'"{question.clean}"'.encode()
        # Cut in two at least, so that a server with several cores uses more than one.
        parts = max(2, math.ceil(len(ends) / _POINTS_A_QUERY))
        size = math.ceil(len(ends) / parts)
        pieces = (ends[start : start + size] for start in range(0, len(ends), size))
        found = await asyncio.gather(*(self._windows_at(query, clean, piece) for piece in pieces))
        return _joined([part for parts in found for part in parts])

    async def interval_ms(self, service: Service, at_ms: int) -> int | None:
        """Infer the scrape interval: the commonest spacing in the last hour before a moment."""
        busiest = f"topk(5, count_over_time({service.selector}[1h]))"
        found = await self._call(self._instant, busiest, at_ms)
        if not found:
            return None
        hour = Window(at_ms - 3_600_000, at_ms)
        picked = {one.labels: (hour,) for one in found}
        series = await self.samples(service, hour, picked)
        spacing = Counter(
            following - at
            for samples in series.values()
            for (at, _), (following, _) in pairwise(samples)
        )
        return spacing.most_common(1)[0][0] if spacing else None

    async def values(self, expression: str, at: range) -> Mapping[Labels, Sequence[Value]]:
        """Evaluate any PromQL at these moments."""
        found: dict[Labels, list[Value]] = {}
        for start in range(0, len(at), _POINTS_A_QUERY):
            for part in await self._values_at(expression, at[start : start + _POINTS_A_QUERY]):
                for labels, points in part.items():
                    found.setdefault(labels, []).extend(points)
        return found

    async def held_from_ms(self, selectors: Sequence[str], span: Window) -> int:
        """Say from when on the engine still holds all samples that there were."""
        kept = await self._call(self._read_retention)
        held_ms = span.start_ms
        if kept.length_ms is not None:
            held_ms = max(held_ms, span.end_ms - kept.length_ms)
        if not kept.is_certain:
            held_ms = max(held_ms, await self._first_value_ms(selectors, span))
        return held_ms

    async def _first_value_ms(self, selectors: Sequence[str], span: Window) -> int:
        """Find when the engine first has something, to the hour, from a day before the span on."""
        begin = span.start_ms - 24 * _HOUR_MS
        step_ms = max(_HOUR_MS, (span.end_ms - begin) // _POINTS_A_QUERY)
        at = range(begin, span.end_ms, step_ms)
        anything = " or ".join(f"count({selector})" for selector in selectors)
        found = await self.values(anything, at)
        first = min((points[0][0] for points in found.values()), default=span.start_ms)
        return span.start_ms if first <= span.start_ms else first - step_ms

    async def _values_at(self, expression: str, at: range) -> list[dict[Labels, list[Value]]]:
        try:
            return [await self._call(self._read_values, expression, at)]
        except QueryTooLarge:
            if len(at) == 1:
                raise
        half = len(at) // 2
        first = await self._values_at(expression, at[:half])
        return first + await self._values_at(expression, at[half:])

    async def _windows_at(self, query: str, clean: bytes, ends: range) -> list[_Part]:
        try:
            return [(ends, await self._call(self._read_windows, query, clean, ends))]
        except QueryTooLarge:
            if len(ends) == 1:
                raise
        half = len(ends) // 2
        first = await self._windows_at(query, clean, ends[:half])
        return first + await self._windows_at(query, clean, ends[half:])

    async def _spoken(self) -> Dialect:
        """Find out, once, how the engine reads PromQL."""
        if self._dialect is None:
            self._dialect = await self._call(self._read_dialect)
        return self._dialect

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _instant(self, query: str, at_ms: int) -> SeriesList:
        return self._client.custom_query(query, {"time": _seconds(at_ms)})  # type: ignore[no-any-return]

    def _read_dialect(self) -> Dialect:
        counted = self._instant(CLOSED_RANGE, 0)
        try:
            speaks_metricsql = bool(self._instant(METRICSQL, 0))
        except QueryRejected:
            speaks_metricsql = False
        return Dialect(
            ranges_are_closed=[value for one in counted for _, value in one.points()] == [3.0],
            speaks_metricsql=speaks_metricsql,
        )

    def _read_samples(
        self, selector: str, span: Window, needed: Mapping[Labels, Windows] | None
    ) -> dict[Labels, list[Sample]]:
        # A millisecond more than is needed: VictoriaMetrics finds no sample at midnight (UTC) in a
        # range that ends there, if its series had none the day before.
        answer = self._instant(f"{selector}[{span.length_ms + 1}ms]", span.end_ms + 1)
        found: dict[Labels, list[Sample]] = {}
        for series in answer:
            labels = series.labels
            if labels in found:
                raise QueryRejected(
                    f"{selector} picks several series that differ in nothing but their name: "
                    f"{dict(labels)}"
                )
            spans = (span,) if needed is None else clip(needed.get(labels, ()), span)
            if spans:
                found[labels] = _samples_of(series, spans)
        return found

    def _read_points(self, selector: str, span: Window) -> dict[Labels, list[tuple[int, str]]]:
        found: dict[Labels, list[tuple[int, str]]] = {}
        for series in self._instant(f"{selector}[{span.length_ms}ms]", span.end_ms):
            points = ((milliseconds_of(point), point[1]) for point in series.decoded())
            kept = [(at, value) for at, value in points if span.start_ms < at <= span.end_ms]
            found.setdefault(series.labels, []).extend(kept)
        return {labels: sorted(points) for labels, points in found.items()}

    def _read_windows(self, query: str, clean: bytes, ends: range) -> ScanAnswer:
        answer = self._range(query, ends, {"stats": "all"})
        return ScanAnswer(
            flagged={found.labels: found.unlike(clean, ends) for found in answer},
            samples_seen=answer.samples_seen,
        )

    def _read_values(self, expression: str, at: range) -> dict[Labels, list[Value]]:
        found: dict[Labels, list[Value]] = {}
        for series in self._range(expression, at, {}):
            labels = series.labels
            if labels in found:
                raise QueryRejected(f"{expression} gives {dict(labels)} more than once")
            found[labels] = series.texts()
        return found

    def _range(self, query: str, at: range, more: Mapping[str, str]) -> SeriesList:
        return self._client.custom_query_range(  # type: ignore[no-any-return]
            query,
            start_time=datetime_of(at[0]),
            end_time=datetime_of(at[-1]),
            step=_seconds(at.step),
            # The client rounds to whole seconds; these replace its values.
            params={"start": _seconds(at[0]), "end": _seconds(at[-1]), **more},
        )

    def _read_retention(self) -> Retention:
        if self._retention is not None:
            return Retention(length_ms=self._retention, is_certain=True)
        told = self._told("/api/v1/status/runtimeinfo", from_runtime_info)
        return told or self._told("/flags", from_flags) or UNTOLD

    def _told(self, path: str, read: Callable[[bytes], Retention | None]) -> Retention | None:
        page = self.session.page(f"{self._url}{path}", self._auth)
        return read(page) if page is not None else None


def _joined(parts: Sequence[_Part]) -> ScanAnswer:
    """Put answers about consecutive windows together; who is in one and not in another is absent.

    The answers name every series that has any window; the joined one only those with a flag.
    """
    everybody = {labels for _, answer in parts for labels in answer.flagged}
    flagged: dict[Labels, list[int]] = {}
    for ends, answer in parts:
        for labels, found in answer.flagged.items():
            if found:
                flagged.setdefault(labels, []).extend(found)
        for labels in everybody - answer.flagged.keys():
            flagged.setdefault(labels, []).extend(ends)
    counts = [answer.samples_seen for _, answer in parts]
    known = [count for count in counts if count is not None]
    return ScanAnswer(
        flagged=flagged, samples_seen=sum(known) if len(known) == len(counts) else None
    )


def _samples_of(series: SeriesAnswer, spans: Windows) -> list[Sample]:
    """Decode what lies in the spans, each ``(start, end]``; NaN is no sample.

    VictoriaMetrics keeps several samples of one instant; as where it merges them, the best counts.
    """
    points = series.decoded()
    try:
        found = [
            (round(at * 1000), _STATES[text])
            # Only what is needed becomes Python values of ours; the answer may hold far more.
            for start, end in spans
            for at, text in points[_first_after(points, start) : _first_after(points, end)]
            if text != "NaN"
        ]
    except KeyError as error:
        raise QueryRejected(
            f"{dict(series.labels)} has the value {error.args[0]}; a probe series is 1 when up "
            "and 0 when down"
        ) from None
    found.sort()
    return found


def _first_after(points: Sequence[Point], ms: int) -> int:
    """Give the index of the first point that is later, at the half between two milliseconds."""
    return bisect_right(points, ((2 * ms + 1) / 2000,))


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03}"
