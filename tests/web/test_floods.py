"""Requests that are made to cost more than they are worth."""

from __future__ import annotations

import asyncio
import gzip
import json
import time

import pytest
from sqlalchemy import func, select

from sla_exporter import webhook
from sla_exporter.store import tables as t
from sla_exporter.webhook import read_webhook
from tests.web.test_server import BODY, served, stored

__all__ = ["served"]  # the fixture


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
