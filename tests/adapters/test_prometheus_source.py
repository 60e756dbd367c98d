"""The Prometheus adapter against a server that answers as Prometheus documents, errors included."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from sla_exporter.core.samples import Cadence
from sla_exporter.core.scan import Chunk
from sla_exporter.core.windows import Window
from sla_exporter.errors import (
    AnswerIncomplete,
    QueryRejected,
    QueryTooLarge,
    SourceUnavailable,
)
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.sources.selectors import narrowed
from tests.cast import MINUTE, WEB

if TYPE_CHECKING:
    from collections.abc import Iterator

T0 = 1_790_000_000_000
CHUNK = Chunk(span=Window(T0, T0 + 240 * MINUTE), cadence=Cadence.of(MINUTE), samples_per_window=60)


class FakePrometheus:
    """Answers in the order that a test lays down; remembers what it was asked."""

    def __init__(self) -> None:
        self.speaks_metricsql = False
        self.answers: list = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: dict[str, str] = {}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                form = {key: values[0] for key, values in parse_qs(body).items()}
                fake.asked.append((self.path, form))
                fake.headers = dict(self.headers)
                status, answer = fake.answer(form)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, form: dict[str, str]):
        if form["query"].startswith("count_over_time(vector(0)"):
            return 200, vector([({}, "2" if self.speaks_metricsql else "3")])
        if form["query"].startswith("duration_over_time("):
            return (200, vector([({}, "2")])) if self.speaks_metricsql else (400, UNKNOWN_FUNCTION)
        answer = self.answers.pop(0) if self.answers else (200, matrix({}))
        return answer(form) if callable(answer) else answer

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def matrix(series: dict[str, list[tuple[float, str]]], **more):
    result = [{"metric": {"__name__": "m", "i": i}, "values": v} for i, v in series.items()]
    return {"status": "success", "data": {"resultType": "matrix", "result": result, **more}}


def looked_at(samples: int):
    return {"samples": {"totalQueryableSamples": samples}}


def vector(series):
    result = [{"metric": metric, "value": [0, value]} for metric, value in series]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def error(kind: str, text: str):
    return {"status": "error", "errorType": kind, "error": text}


OK, SLOW = matrix({}), error("timeout", "query timed out in expression evaluation")
POINTS = error("bad_data", "exceeded maximum resolution of 11,000 points per timeseries")
PARSE = error("bad_data", "invalid parameter: 1:4: parse error: unexpected end of input")
PARTIAL = {**OK, "warnings": ["store a is gone"]}
UNKNOWN_FUNCTION = error(
    "bad_data", '1:1: parse error: unknown function with name "duration_over_time"'
)
TOO_MANY = (
    422,
    error(
        "execution",
        "query processing would load too many samples into memory in query execution",
    ),
)


@pytest.fixture
def fake() -> Iterator[FakePrometheus]:
    with FakePrometheus() as server:
        yield server


@pytest.fixture
def source(fake) -> Iterator[PrometheusSource]:
    source = PrometheusSource(
        fake.url + "/", timeout_s=1, headers={"X-Scope-OrgID": "t"}, auth=("sla", "pw")
    )
    yield source
    source.close()


async def test_queries_travel_as_a_form_with_headers_and_credentials(fake, source):
    """The URL stays short, whatever the selector; times are exact to the millisecond."""
    await source.samples(WEB, Window(T0 + 1, T0 + 60_001))

    path, form = fake.asked[0]
    assert path == "/api/v1/query"
    assert form == {
        "query": 'probe_success{job="web"}[60001ms]',
        "time": "1790000060.002",  # what is not in the span is dropped here
        "partial_response": "false",
        "deny_partial_response": "1",  # all or nothing
        "max_source_resolution": "0s",  # no downsampled data
        "nocache": "1",  # and no rounded edges
    }
    assert fake.headers["X-Scope-OrgID"] == "t"
    assert fake.headers["Authorization"].startswith("Basic ")


async def test_samples_are_exact_and_own_the_end_of_their_range(fake, source):
    """Milliseconds are kept, the start of a closed range is dropped, NaN is no sample."""
    fake.answers = [
        (200, matrix({"a": [(T0 / 1000, "1"), (T0 / 1000 + 0.632, "0"), (T0 / 1000 + 9, "NaN")]}))
    ]

    found = await source.samples(WEB, Window(T0, T0 + 10_000))

    assert found == {(("i", "a"),): [(T0 + 632, False)]}


@pytest.mark.parametrize("value", ["2", "0.5", "-1"])
async def test_a_series_that_is_neither_up_nor_down_is_refused(fake, source, value):
    """A probe series is 0 or 1; anything else is the wrong series."""
    fake.answers = [(200, matrix({"a": [(T0 / 1000 + 1, value)]}))]

    with pytest.raises(QueryRejected, match="1 when up and 0 when down"):
        await source.samples(WEB, Window(T0, T0 + 10_000))


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (TOO_MANY, QueryTooLarge, "too many samples"),
        ((503, SLOW), QueryTooLarge, "timed out"),
        ((400, POINTS), QueryTooLarge, "11,000 points"),
        ((400, PARSE), QueryRejected, "parse error"),
        ((422, PARSE), QueryRejected, "parse error"),
        ((503, error("canceled", "query was canceled")), SourceUnavailable, "canceled"),
        ((503, b"Service Unavailable"), SourceUnavailable, "Service Unavailable"),
        ((200, b"<html>login</html>"), SourceUnavailable, "no query result"),
        ((302, b""), SourceUnavailable, "no query result"),
        ((200, PARTIAL), AnswerIncomplete, "store a is gone"),
    ],
)
async def test_what_goes_wrong_is_told_apart(fake, source, answer, expected, said):
    """Not now, too large, wrong, incomplete: each is its own error, in the server's words."""
    fake.answers = [answer] * 20

    with pytest.raises(expected, match=said):
        await source.samples(WEB, Window(T0, T0 + 60_000))


async def test_a_server_that_is_away():
    """In a sentence, with the address."""
    source = PrometheusSource("http://127.0.0.1:1")

    with pytest.raises(SourceUnavailable, match="Connection refused"):
        await source.samples(WEB, Window(T0, T0 + 60_000))
    source.close()


async def test_a_query_that_is_too_large_is_split_until_it_fits(fake, source):
    """The halves are asked for until the server can answer, and nothing is lost at the cut."""

    def limited(form: dict[str, str]):
        length_ms = int(form["query"].rpartition("[")[2].removesuffix("ms]"))
        if length_ms > 10 * MINUTE:
            return TOO_MANY
        end = round(float(form["time"]) * 1000)
        # As Prometheus 2 does, with both ends of the range.
        times = (T0 + i * MINUTE for i in range(100))
        return 200, matrix({"a": [(t / 1000, "1") for t in times if end - length_ms <= t <= end]})

    fake.answers = [limited] * 50

    found = await source.samples(WEB, Window(T0, T0 + 60 * MINUTE))

    assert [at for at, _ in found[(("i", "a"),)]] == [T0 + i * MINUTE for i in range(1, 61)]


async def test_a_query_that_never_fits_is_given_up(fake, source):
    """The caller's watermark stays where it was."""
    fake.answers = [TOO_MANY] * 200

    with pytest.raises(QueryTooLarge):
        await source.samples(WEB, Window(T0, T0 + 60 * MINUTE))


async def test_the_scan_asks_for_windows_side_by_side(fake, source):
    """A window short of a millisecond, because ranges of Prometheus 2 include both ends."""
    hours = [T0 / 1000 + 3600 * hour for hour in (1, 2, 3, 4)]
    clean = [(at, "60") for at in hours]
    fake.answers = [
        lambda form: _part(form, {"a": [(hours[0], "59"), *clean[1:]], "b": clean, "c": clean[:2]})
    ] * 2

    answer = await source.scan(WEB, CHUNK)

    ranges = [form for path, form in fake.asked if path.endswith("query_range")]
    assert {form["query"] for form in ranges} == {
        'sum_over_time(probe_success{job="web"}[3599999ms])'
    }
    assert sorted((form["start"], form["end"], form["step"]) for form in ranges) == [
        ("1790003600.000", "1790007200.000", "3600.000"),
        ("1790010800.000", "1790014400.000", "3600.000"),
    ]
    assert answer.flagged == {
        (("i", "a"),): [T0 + 60 * MINUTE],
        (("i", "c"),): [T0 + 180 * MINUTE, T0 + 240 * MINUTE],  # absent, so not clean
    }
    assert answer.samples_seen == 14


def _part(form, series):
    """Answer with what lies between the edges that were asked for."""
    start, end = float(form["start"]), float(form["end"])
    inside = {name: [p for p in points if start <= p[0] <= end] for name, points in series.items()}
    return 200, matrix({name: p for name, p in inside.items() if p}, stats=looked_at(7))


async def test_an_engine_that_does_not_count_samples_says_so(fake, source):
    """Then the observer compares counts as well."""
    assert (await source.scan(WEB, CHUNK)).samples_seen is None


async def test_where_metricsql_is_spoken_the_scan_is_a_proof(source, fake):
    """No bad sample and no gap, from a max gap before each window on; nothing is counted."""
    fake.speaks_metricsql = True
    clean = [(T0 / 1000 + 3600 * hour, "1") for hour in (1, 2, 3, 4)]
    fake.answers = [
        lambda form: _part(form, {"a": clean, "b": [(clean[0][0], "0"), *clean[1:]]})
    ] * 2

    answer = await source.scan(WEB, CHUNK)

    assert {form["query"] for path, form in fake.asked if path.endswith("query_range")} == {
        (
            'min_over_time(probe_success{job="web"}[3600000ms]) * (duration_over_time('
            'probe_success{job="web"}[3750000ms], 150.000) > bool 3600.000)'
        )
    }
    assert answer.is_proof
    assert answer.flagged == {(("i", "b"),): [T0 + 60 * MINUTE]}


async def test_an_interval_is_the_commonest_spacing(fake, source):
    """Of the busiest series, in the hour before."""
    times = [T0 / 1000 - 3600 + i * 15 + (0.004 if i == 7 else 0) for i in range(1, 60)]
    fake.answers = [
        (200, vector([({"i": "a"}, "60")])),
        (200, matrix({"a": [(at, "1") for at in times]})),
    ]

    assert await source.interval_ms(WEB, T0) == 15_000
    assert fake.asked[0][1]["query"] == 'topk(5, count_over_time(probe_success{job="web"}[1h]))'


async def test_an_interval_of_nothing_is_nothing(fake, source):
    """No series, no spacing."""
    fake.answers = [(200, vector([]))]

    assert await source.interval_ms(WEB, T0) is None


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("up", 'up{i=~"a\\\\.b|c\\"d"}'),
        ('up{job="x"}', 'up{job="x",i=~"a\\\\.b|c\\"d"}'),
        ("up{}", 'up{i=~"a\\\\.b|c\\"d"}'),
        ('{__name__="up",}', '{__name__="up",i=~"a\\\\.b|c\\"d"}'),
    ],
)
def test_a_selector_is_narrowed_without_injection(selector, expected):
    """Label values are escaped as regular expressions and quoted as strings."""
    only = [(("i", "a.b"), ("job", "x")), (("i", 'c"d'), ("job", "x"))]

    assert narrowed(selector, only) == expected
