"""Thanos and Mimir: what they answer where Prometheus would answer otherwise, as recorded."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sla_exporter.core.windows import Window
from sla_exporter.errors import AnswerIncomplete, QueryRejected, QueryTooLarge, SourceUnavailable
from sla_exporter.sources.prometheus import PrometheusSource
from tests.cast import DAY, HOUR, MINUTE, WEB
from tests.recorded import RecordedEngine, matrix

T0 = 1_790_000_000_000 // DAY * DAY
PARTIAL = [
    (
        'receive series from Addr: 10.0.0.7:10901 LabelSets: {replica="a"} Mint: 0 Maxt: 0: '
        "rpc error: code = Unavailable desc = connection error"
    )
]
TOO_LONG = {
    "status": "error",
    "errorType": "bad_data",
    "error": "the total query time range exceeds the limit (query length: 720h0m0s, limit: 12h0m0s)"
    " (err-mimir-max-total-query-length). To adjust the related per-tenant limit, configure "
    "-query-frontend.max-total-query-length, or contact your service administrator.",
}
NO_TENANT = {"status": "error", "errorType": "execution", "error": "no org id"}


def only_within(most_ms: int):
    """Answer as Mimir does with a limit to the length of a query."""

    def answer(kind, form):
        if kind == "query":
            length = int(form["query"].rpartition("[")[2].removesuffix("ms]"))
            end = round(float(form["time"]) * 1000)
            start = end - length
        else:
            start, end = (round(float(form[edge]) * 1000) for edge in ("start", "end"))
        if end - start > most_ms:
            return 422, TOO_LONG
        step = round(float(form.get("step", 60)) * 1000)
        first = -(-(start + 1) // step) * step if kind == "query" else start
        return 200, matrix([[at / 1000, "1"] for at in range(first, end + 1, step)])

    return answer


async def asked(answer, work, **access):
    """Run some work against a recorded engine; give what came of it, and the engine."""
    with RecordedEngine(answer, access.pop("prefix", "")) as engine:
        source = PrometheusSource(engine.url, **access)
        try:
            return await work(source), engine
        finally:
            source.close()


async def test_mimir_is_told_the_tenant():
    """At its usual prefix, in its own header."""

    async def work(source):
        return await source.samples(WEB, Window(T0, T0 + HOUR))

    found, engine = await asked(
        only_within(DAY), work, prefix="/prometheus", headers={"X-Scope-OrgID": "team-a"}
    )

    assert len(found[(("customer", "acme"),)]) == 60
    assert {headers["X-Scope-OrgID"] for headers in engine.headers} == {"team-a"}


async def test_without_a_tenant_mimir_says_so():
    """A sentence for the operator, and nothing is taken for an empty answer."""

    async def work(source):
        return await source.samples(WEB, Window(T0, T0 + HOUR))

    with pytest.raises((QueryRejected, SourceUnavailable), match="no org id"):
        await asked(lambda kind, form: (401, NO_TENANT), work)


async def test_a_query_over_mimirs_length_limit_is_split_until_it_fits():
    """A month of samples in pieces of twelve hours at most: all there, none twice."""

    async def work(source):
        return await source.samples(WEB, Window(T0, T0 + 5 * DAY))

    found, _ = await asked(only_within(12 * HOUR), work)

    times = [at for at, _ in found[(("customer", "acme"),)]]
    assert times == list(range(T0 + MINUTE, T0 + 5 * DAY + 1, MINUTE))


async def test_values_at_steps_are_split_too():
    """The halves touch and do not overlap."""

    async def work(source):
        return await source.values("x", range(T0, T0 + 5 * DAY, MINUTE))

    found, engine = await asked(only_within(12 * HOUR), work)

    times = [at for at, _ in found[(("customer", "acme"),)]]
    assert times == list(range(T0, T0 + 5 * DAY, MINUTE))
    assert all(a < b for a, b in pairwise(times))
    assert len(engine.asked) < 40


async def test_one_value_that_is_too_large_is_given_up():
    """It cannot be split any more: an error, never a part of the answer."""

    async def work(source):
        return await source.values("x", range(T0, T0 + 8 * MINUTE, MINUTE))

    with pytest.raises(QueryTooLarge, match="exceeds the limit"):
        await asked(lambda kind, form: (422, TOO_LONG), work)


async def test_thanos_is_told_to_answer_in_full_or_not_at_all():
    """It would leave a store out by default, and take downsampled data for long ranges."""

    async def work(source):
        await source.samples(WEB, Window(T0, T0 + HOUR))
        return await source.values("x", range(T0, T0 + HOUR, MINUTE))

    _, engine = await asked(lambda kind, form: (200, matrix([])), work)

    assert [kind for kind, _ in engine.asked] == ["query", "query_range"]
    assert {form["partial_response"] for _, form in engine.asked} == {"false"}
    assert {form["max_source_resolution"] for _, form in engine.asked} == {"0s"}


@pytest.mark.parametrize("more", [{"warnings": PARTIAL}, {"isPartial": True}])
@pytest.mark.parametrize("kind", ["samples", "values", "scan"])
async def test_an_answer_that_may_be_partial_is_refused(kind, more):
    """Thanos' warnings, VictoriaMetrics' flag: whatever was asked for, it does not count."""
    from tests.adapters.test_prometheus_source import CHUNK  # noqa: PLC0415 - a chunk as others

    async def work(source):
        if kind == "samples":
            return await source.samples(WEB, Window(T0, T0 + HOUR))
        if kind == "values":
            return await source.values("x", range(T0, T0 + HOUR, MINUTE))
        return await source.scan(WEB, CHUNK)

    with pytest.raises(AnswerIncomplete):
        await asked(lambda kind, form: (200, matrix([[T0 / 1000 + 60, "1"]], **more)), work)


async def test_a_remark_of_prometheus_is_no_warning():
    """Some versions of it put remarks on names among the warnings."""
    remark = ['PromQL info: metric might not be a counter, name does not end in _total: "x"']

    async def work(source):
        return await source.values("x", range(T0, T0 + MINUTE, MINUTE))

    found, _ = await asked(
        lambda kind, form: (200, matrix([[T0 / 1000, "1"]], warnings=remark)), work
    )

    assert found == {(("customer", "acme"),): [(T0, "1")]}


@pytest.mark.parametrize(
    ("first_hour", "expected_hour"),
    [(-30, 0), (-24, 0), (0, 0), (5, 4), (200, 199), (None, 0)],
)
async def test_an_engine_that_does_not_tell_is_asked_for_its_first_samples(
    first_hour, expected_hour
):
    """To the hour; an engine with nothing at all says nothing of its retention."""

    def answer(kind, form):
        start, end = (round(float(form[edge]) * 1000) for edge in ("start", "end"))
        if first_hour is None:
            return 200, matrix([])
        first = max(start, T0 + first_hour * HOUR)
        return 200, matrix([[at / 1000, "7"] for at in range(first, end + 1, HOUR)])

    async def work(source):
        return await source.held_from_ms(["up"], Window(T0, T0 + 30 * DAY))

    held_ms, _ = await asked(answer, work)

    assert held_ms == T0 + expected_hour * HOUR


async def test_a_stated_retention_is_believed():
    """Nothing is asked then."""

    async def work(source):
        return await source.held_from_ms(["up"], Window(T0, T0 + 30 * DAY))

    held_ms, engine = await asked(lambda kind, form: (500, {}), work, retention_ms=10 * DAY)

    assert held_ms == T0 + 20 * DAY
    assert engine.asked == []
