"""Fuzz: every route, and thousands of mutated webhooks, on real aiohttp and a real database."""

from __future__ import annotations

import gc
import json
import os
import random
import re
import tracemalloc
from copy import deepcopy
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import ClientSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from sla_exporter.ports.api import Scope
from sla_exporter.web.server import ROUTES
from sla_exporter.webhook import read_body, read_webhook
from tests.web.test_api import asked, office
from tests.web.test_server import HOOK, OPEN, served

__all__ = ["asked", "office", "served"]  # the fixtures

SEEDS = [
    json.loads(path.read_text())["body"]
    for path in sorted((Path(__file__).parents[1] / "data" / "webhooks").glob("*.json"))
]
ODD = [
    None, True, 0, -1, 2**63, 2**64, 1e308, float("inf"), "", "\x00", "\ud800", "é" * 3000, [], {},
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "-271821-04-20T00:00Z",
    "2026-11-23T12:40:57.123456789+05:45", "2016-12-31T23:59:60Z", "ffffffffffffffff", "F" * 16,
    [[]] * 50, {"a": {"b": {"c": []}}},
]  # fmt: skip
# make test asks for a few hundred, make test-all for ten thousand.
MUTATIONS = int(os.environ.get("FUZZ_MUTATIONS", "300"))  # noqa: TID251 - how thorough to be


def mutated(chance: random.Random) -> bytes:
    """Break a real webhook somewhere: its values, its shape, or its bytes."""
    body = json.loads(json.dumps(chance.choice(SEEDS)))
    for _ in range(chance.randint(0, 4)):
        where = chance.choice([body, *(a for a in body["alerts"] if isinstance(a, dict))])
        if not isinstance(where, dict) or not where:
            continue
        key = chance.choice(list(where))
        if key == "alerts" and where is body:
            body["alerts"] = body["alerts"] * chance.randint(0, 3)
        elif chance.random() < 0.2:
            del where[key]
        elif isinstance(where[key], dict) and chance.random() < 0.6:
            where[key][chance.choice(["alertname", "\x00", "customer"])] = deepcopy(
                chance.choice(ODD)
            )
        else:
            where[key] = deepcopy(chance.choice(ODD))
        if not isinstance(body.get("alerts"), list):
            break
    found = bytearray(json.dumps(body).encode())
    for _ in range(chance.choice([0, 0, 0, 1, 5])):
        found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found[: chance.randint(0, len(found))] if chance.random() < 0.1 else found)


@pytest.mark.slow
async def test_mutated_webhooks_never_break_the_server(served, database, caplog):
    """2xx or 4xx, never 5xx, no traceback, and memory stays where it was."""
    served.access = type(OPEN)(max_body=1 << 20, max_rate=10**9)
    chance = random.Random(20261123)
    statuses: dict[int, int] = {}
    tracemalloc.start()
    before = 0
    for number in range(MUTATIONS):
        if number == MUTATIONS // 2:
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
        body = mutated(chance)
        status = await served.post(body)
        statuses[status] = statuses.get(status, 0) + 1
        assert status in {200, 400, 422}, (status, body)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert {200, 400, 422} <= statuses.keys()
    assert "Traceback" not in caplog.text
    assert grown < 3 << 20


def test_the_fast_way_reads_what_the_careful_way_reads():
    """Whatever both take, they take the same."""
    chance = random.Random(7)
    agreed = 0
    for _ in range(MUTATIONS):
        body = mutated(chance)
        try:
            careful = read_webhook(json.loads(body))
        except (ValueError, RecursionError):
            with pytest.raises((ValueError, RecursionError)):
                read_body(body)
            continue
        assert read_body(body) == careful
        agreed += 1

    assert agreed > MUTATIONS // 3


_text = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=30)


@settings(
    max_examples=max(100, MUTATIONS // 10),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    route=st.sampled_from([*ROUTES, ("GET", HOOK), ("PUT", "/"), ("DELETE", "/metrics")]),
    named=_text,
    query=st.dictionaries(_text, _text, max_size=3),
    header=st.sampled_from(["Accept", "X-Forwarded-For", "Range", "Expect", "If-None-Match"]),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
    scope=st.sampled_from([None, *Scope]),
    body=st.binary(max_size=200),
)
async def test_no_request_breaks_a_route(asked, route, named, query, header, value, scope, body):  # noqa: PLR0917 - hypothesis names them
    """Any path, query, header, token and body: an answer that we mean."""
    method, path = route
    headers = {header: value}
    if scope:
        headers["Authorization"] = f"Bearer {asked.secrets[scope]}"
    url = URL(asked.url + re.sub(r"{\w+}", quote(named, safe=""), path), encoded=True)
    async with (
        ClientSession() as session,
        session.request(method, url, params=query, headers=headers, data=body) as answer,
    ):
        text = await answer.text()

    assert answer.status < 500
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "path", ["/" + "a" * 9000, "/%00", "/..%2f..%2fetc/passwd", "//x", "/s/%ff"]
)
async def test_odd_paths_are_not_found(served, path):
    """And nothing more."""
    async with ClientSession() as session:
        url = str(served._client._base_url).rstrip("/") + path  # noqa: SLF001 - the test's own
        async with session.get(url) as answer:
            assert 400 <= answer.status < 500
