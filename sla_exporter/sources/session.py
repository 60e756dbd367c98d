"""The HTTP session that prometheus-api-client runs on.

The client puts every query into the URL, waits for ever, drops warnings, and retries inside itself
until the server's own words are lost. This session closes those gaps: queries travel as a POST
form, every request has a time-out, an error says what Prometheus said, and an answer with warnings
is refused, because it may be partial. Answers are decoded series by series, so that a large one
never stands in memory as Python objects all at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import requests

from sla_exporter.errors import (
    AnswerIncomplete,
    QueryRejected,
    QueryTooLarge,
    SourceError,
    SourceUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sla_exporter.ports import Labels

# What Prometheus 2 and 3, Thanos, Mimir and VictoriaMetrics say when a smaller query would work.
_TOO_LARGE = (
    "too many samples",
    "timed out",
    "timeout exceeded",
    "context deadline exceeded",
    "exceeded maximum resolution",
    "exceeds the limit",
    "too many points",
    "cannot select more than",
    "-search.max",
    "err-mimir-max-",
    "exceeded series limit",
    "exceeded samples limit",
)

# Sent with every query; who does not know one of them ignores it. Thanos, and VictoriaMetrics as a
# cluster, answer with what they have when a store is away, unless told not to; Thanos takes
# downsampled data for long ranges; VictoriaMetrics rounds the edges of ranges that it may cache.
_ALWAYS = {
    "partial_response": "false",
    "max_source_resolution": "0s",
    "deny_partial_response": "1",
    "nocache": "1",
}
# Packing an answer costs the server more than sending it whole: a tick is a tenth of a megabyte.
_UNCOMPRESSED = {"Accept-Encoding": "identity"}
_TRY_LATER = frozenset({401, 403, 429, 500, 502, 503, 504})
# Prometheus 2 puts remarks among the warnings that say nothing of completeness.
_REMARK = "PromQL info:"


Point = tuple[float, str]
"""Seconds since the epoch, and the value as text."""


class SeriesAnswer(msgspec.Struct):
    """One series of an answer; its points stay encoded until they are asked for."""

    metric: msgspec.Raw
    values: msgspec.Raw = msgspec.Raw()
    value: msgspec.Raw = msgspec.Raw()

    @property
    def labels(self) -> Labels:
        """The labels as sorted pairs, without the name, which functions drop as well."""
        return _labels_from(bytes(self.metric))

    def decoded(self) -> list[Point]:
        """Give the points as Prometheus writes them, in order of time."""
        return _points.decode(self.values) if self.values else [_point.decode(self.value)]

    def points(self) -> Iterator[tuple[int, float]]:
        """Give the points as milliseconds and value, in order of time."""
        for point in self.decoded():
            yield milliseconds_of(point), float(point[1])

    def unlike(self, text: bytes, at: range) -> list[int]:
        """Give those of the moments at which the value is another one, or none.

        Nearly always there is no such moment, and counting bytes is enough to know it.
        """
        if bytes(self.values).count(text) == len(at):
            return []
        wanted = text.decode().strip('"')
        same = {milliseconds_of(point) for point in self.decoded() if point[1] == wanted}
        return [moment for moment in at if moment not in same]

    def texts(self) -> list[tuple[int, str]]:
        """Give the points as milliseconds and the value as it was written."""
        return [(milliseconds_of(point), point[1]) for point in self.decoded()]


@lru_cache(maxsize=100_000)  # every tick answers with the labels of every series, several times
def _labels_from(text: bytes) -> Labels:
    found = _metric.decode(text)
    return tuple(sorted((k, v) for k, v in found.items() if k != "__name__"))


def milliseconds_of(point: Point) -> int:
    """Give a point's time exactly: Prometheus writes seconds with three decimals."""
    return round(point[0] * 1000)


class _Samples(msgspec.Struct):
    totalQueryableSamples: int | None = None  # noqa: N815 - Prometheus' name


class _Stats(msgspec.Struct):
    samples: _Samples | None = None


class _Data(msgspec.Struct):
    result: list[SeriesAnswer] = msgspec.field(default_factory=list)
    stats: _Stats | None = None


class SeriesList(list[SeriesAnswer]):
    """The series of an answer, and how many samples the query looked at, if the engine tells."""

    samples_seen: int | None = None


class _Answer(msgspec.Struct):
    status: str = ""
    data: _Data | None = None
    error: str = ""
    warnings: list[str] = []
    isPartial: bool = False  # noqa: N815 - VictoriaMetrics' name


_points = msgspec.json.Decoder(list[Point])
_metric = msgspec.json.Decoder(dict[str, str])
_point = msgspec.json.Decoder(Point)
_answer = msgspec.json.Decoder(_Answer)


class _Decoded:
    """Just as much of a response as prometheus-api-client looks at."""

    status_code = 200

    def __init__(self, answer: _Answer) -> None:
        self._answer = answer

    def json(self) -> dict[str, Any]:
        data = self._answer.data or _Data()
        result = SeriesList(data.result)
        if data.stats and data.stats.samples:
            result.samples_seen = data.stats.samples.totalQueryableSamples
        return {"data": {"result": result}}


class PrometheusSession(requests.Session):
    """A requests session that speaks Prometheus' HTTP API as it wants to be spoken to."""

    def __init__(self, url: str, *, timeout_s: float, headers: Mapping[str, str]) -> None:
        super().__init__()
        # Proxies and certificates of the environment, read once and not at every request.
        environment = self.merge_environment_settings(url, {}, None, None, None)
        self.proxies.update(environment["proxies"])
        self.verify = environment["verify"]
        self.trust_env = False
        self.timeout_s = timeout_s
        self.headers.update({**_UNCOMPRESSED, **headers})
        self.requests_made = 0

    def request(self, method: str, url: str, **kwargs: Any) -> Any:  # type: ignore[override]
        """Send a query and give its decoded answer, or raise what went wrong."""
        self.requests_made += 1
        try:
            response = super().request(
                method,
                url,
                data=(kwargs.get("params") or {}) | _ALWAYS,
                auth=kwargs.get("auth"),
                timeout=self.timeout_s,
                allow_redirects=False,
            )
        except requests.Timeout:
            raise QueryTooLarge(f"{url} gave no answer within {self.timeout_s:g} s") from None
        except requests.RequestException as error:
            raise SourceUnavailable(f"{url} cannot be reached: {_innermost(error)}") from error
        return _Decoded(_read(url, response))

    def page(self, url: str, auth: tuple[str, str] | None) -> bytes | None:
        """Read a page that not every engine has; ``None`` where it is not there."""
        self.requests_made += 1
        try:
            response = super().request(
                "GET", url, auth=auth, timeout=self.timeout_s, allow_redirects=False
            )
        except requests.RequestException as error:
            raise SourceUnavailable(f"{url} cannot be reached: {_innermost(error)}") from error
        if response.status_code in _TRY_LATER:
            raise SourceUnavailable(f"{url} answered {response.status_code}")
        return response.content if response.ok else None


def _read(url: str, response: requests.Response) -> _Answer:
    try:
        answer = _answer.decode(response.content)
    except msgspec.DecodeError:
        # Starting up, Prometheus answers 503 in plain text; a proxy may answer anything.
        said = response.text[:200].strip() or "nothing"
        raise SourceUnavailable(
            f"{url} answered {response.status_code} and no query result: {said}"
        ) from None
    if answer.status != "success":
        raise _refusal(response.status_code, f"{url}: {answer.error or response.text[:200]}")
    warnings = [text for text in answer.warnings if not text.startswith(_REMARK)]
    if answer.isPartial:
        warnings.append("the answer is partial")
    if warnings:
        raise AnswerIncomplete(f"{url} answered with warnings: {'; '.join(warnings)}")
    return answer


def _refusal(status: int, said: str) -> SourceError:
    if any(words in said for words in _TOO_LARGE):
        return QueryTooLarge(said)
    if status in {400, 422} or status == requests.codes.unauthorized:
        return QueryRejected(said)
    return SourceUnavailable(said)


def _innermost(error: BaseException) -> BaseException:
    while error.__context__ is not None:
        error = error.__context__
    return error
