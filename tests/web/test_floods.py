"""Requests that are made to cost more than they are worth."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import time

import pytest
from sqlalchemy import func, select

from sla_exporter import webhook
from sla_exporter.ports.api import Scope
from sla_exporter.store import tables as t
from sla_exporter.web import connections
from sla_exporter.webhook import read_webhook
from tests.web.test_api import asked, office
from tests.web.test_server import BODY, served, stored

__all__ = ["asked", "office", "served"]  # the fixtures


async def waiting(database) -> int:
    query = select(func.count()).select_from(t.webhook_backlog)
    async with database.read() as connection:
        return (await connection.execute(query)).scalar_one()


@pytest.mark.parametrize("alert", [BODY["alerts"][1], {}], ids=["good", "bad"])
async def test_too_many_alerts_are_answered_413(served, database, monkeypatch, alert):
    """A few kilobytes on the wire, and nothing of it is kept."""
    monkeypatch.setattr(webhook, "MOST_ALERTS", 100)
    body = gzip.compress(json.dumps({**BODY, "alerts": [alert] * 101}).encode())

    assert await served.post(body, **{"Content-Encoding": "gzip"}) == 413
    assert "more than 100 alerts" in served.said
    assert await stored(database) == (0, 0)
    assert served.counted("unknown", "too_large") == 1


@pytest.mark.parametrize(("body", "status"), [({**BODY, "alerts": [{}] * 9}, 422), ({}, 400)])
async def test_what_tells_of_no_alert_is_kept_and_not_joined(served, database, body, status):
    """It would only be read once more."""
    assert await served.post(json.dumps(body)) == status
    assert await waiting(database) == 0
    assert await stored(database) == (0, 1)


async def test_every_alert_that_cannot_be_read_is_counted(served):
    """The answer names the first of them."""
    await served.post(json.dumps({**BODY, "alerts": [{}] * 9}))

    assert served.counted("unknown", "malformed") == 9
    assert served.said.count("alert ") == 5


async def test_others_are_answered_while_one_is_read_carefully(served, monkeypatch):
    """What is wrong with a large request takes its time to find."""
    reading = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(data: object) -> webhook.Webhook:
        loop.call_soon_threadsafe(reading.set)
        time.sleep(0.5)
        return read_webhook(data)

    monkeypatch.setattr(webhook, "read_webhook", slow)
    asked = asyncio.create_task(served.ask("POST", "/api/v1/alerts/webhook", data=b"{}"))
    await reading.wait()

    assert (await served.ask("GET", "/-/healthy"))[0] == 200
    assert not asked.done()
    assert (await asked)[0] == 400


HALF = b"POST /api/v1/alerts/webhook HTTP/1.1\r\nHost: x\r\n"
HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"


async def is_closed(answer: asyncio.StreamReader) -> bool:
    """Say whether the other end closes the connection within a second."""
    try:
        return await asyncio.wait_for(answer.read(), 1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.fixture
async def watched(served, monkeypatch):
    """Watch the connections as serve does, but with less patience."""
    monkeypatch.setattr(connections, "_HEADERS_S", 0.1)
    monkeypatch.setattr(connections, "_LOOK_EVERY_S", 0.02)
    watching = asyncio.create_task(served.site.doorkeeper.watch(served.runner))
    yield served
    watching.cancel()


@pytest.mark.parametrize("sent", [b"", b"POST /api", HALF])
async def test_a_request_that_does_not_come_is_not_waited_for(watched, sent):
    """Each that is held open costs a file, of which there is a number."""
    async with watched.connected() as (answer, ask):
        ask.write(sent)
        assert await is_closed(answer)


async def test_a_connection_that_was_used_is_kept_for_the_next_request(watched):
    """Also while a body is still on its way."""
    async with watched.connected() as (answer, ask):
        for _ in range(2):
            ask.write(HEALTHY)
            assert b"200 OK" in await answer.readuntil(b"is healthy.\n")
            assert not await is_closed(answer)
        ask.write(HALF + b"Content-Length: 2\r\n\r\n{")
        assert not await is_closed(answer)


async def test_what_is_gone_is_forgotten(watched):
    """Or every connection that ever was would cost memory."""
    keeper = watched.site.doorkeeper
    async with watched.connected() as (answer, ask):
        ask.write(HEALTHY)
        await answer.readuntil(b"is healthy.\n")
    async with asyncio.timeout(10):
        while keeper._heard or keeper._silent:  # noqa: ASYNC110, SLF001 - there is no event
            await asyncio.sleep(0.01)


async def test_a_body_that_does_not_come_is_answered_408(served, database, monkeypatch):
    """And nothing is kept of it."""
    monkeypatch.setattr(connections, "BODY_S", 0.1)
    async with served.connected() as (answer, ask):
        ask.write(HALF + b"Content-Length: 2\r\n\r\n{")
        assert await answer.readline() == b"HTTP/1.1 408 Request Timeout\r\n"
    assert await stored(database) == (0, 0)
    assert served.counted("unknown", "malformed") == 1


async def test_the_api_waits_no_longer_for_a_body(asked, monkeypatch):
    """It says so as a problem."""
    monkeypatch.setattr(connections, "BODY_S", 0.1)
    over = asyncio.Event()

    async def slow():
        yield b"{"
        await over.wait()

    status, problem = await asked.ask(
        "/exclusions", scope=Scope.OPERATE, method="POST", data=slow()
    )
    over.set()

    assert (status, problem["status"]) == (408, 408)


def test_as_many_files_as_may_be_are_taken():
    """What a shell or systemd begins with is a thousand."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
    try:
        connections.allow_many()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
