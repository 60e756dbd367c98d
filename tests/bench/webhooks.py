"""Webhooks: alerts a second that are durable before they are answered.

Beside a bare aiohttp handler that parses the same JSON and commits nothing: the most that this
machine and this HTTP server could do. Server and client are processes of their own, and the client
is the same for both.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from sla_exporter.app import SystemClock
from sla_exporter.demo.servers import free_port
from sla_exporter.flow.ingest import Ingester
from sla_exporter.settings.config import WebhookAccess
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.incidents import Incidents
from sla_exporter.web.hooks import WebhookHandler
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 50
HOOK = "/api/v1/alerts/webhook"
AT_ONCE = 64


def bodies(requests: int) -> list[bytes]:
    """Write requests of fifty alerts each, no alert twice, as Alertmanager writes them."""
    labels = {"alertname": "ProbeDown", "job": "blackbox", "severity": "page"}
    made = []
    for number in range(requests):
        alerts = [
            {
                "status": "firing",
                "labels": {**labels, "instance": f"https://c{number}-{index}.example/"},
                "annotations": {"summary": "is down", "description": "The probe fails."},
                "startsAt": "2026-11-23T12:40:57.123Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus:9090/graph?g0.expr=probe_success+%3D%3D+0",
                "fingerprint": f"{number:08x}{index:08x}",
            }
            for index in range(BATCH)
        ]
        envelope = {"version": "4", "status": "firing", "receiver": "sla", "alerts": alerts}
        made.append(json.dumps({**envelope, "externalURL": "http://alertmanager:9093"}).encode())
    return made


def run(requests: int = 400, repeats: int = 3) -> dict[str, Any]:
    """Measure all three, in turns, and give the best of each."""
    sent = bodies(requests)
    best: dict[str, float] = {"bare": 0, "sqlite": 0, "postgresql": 0}
    with tempfile.TemporaryDirectory() as folder, PostgresServer(durable=True) as server:
        for number in range(repeats):
            urls = {
                "bare": "",
                "sqlite": sqlite_url(Path(folder) / f"{number}.db"),
                "postgresql": server.fresh_database(),
            }
            for name, url in urls.items():
                with served(url) as address:
                    rate = asyncio.run(_flood(address, sent))
                best[name] = max(best[name], rate)
    return {
        "alerts_a_request": BATCH,
        "requests": requests,
        "bare_alerts_per_s": round(best["bare"]),
        "sqlite_alerts_per_s": round(best["sqlite"]),
        "postgresql_alerts_per_s": round(best["postgresql"]),
        "sqlite_share_of_bare": round(best["sqlite"] / best["bare"], 2),
        "postgresql_share_of_bare": round(best["postgresql"] / best["bare"], 2),
    }


@contextmanager
def served(url: str) -> Iterator[str]:
    """Serve in a process of its own: the webhook on a database, or bare without one."""
    port = free_port()
    ready = multiprocessing.get_context("spawn").Event()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(url, port, ready), daemon=True
    )
    process.start()
    if not ready.wait(30):
        raise RuntimeError("the server did not start")
    try:
        yield f"http://127.0.0.1:{port}{HOOK}"
    finally:
        process.terminate()
        process.join()


def _serve(url: str, port: int, ready: Any) -> None:
    asyncio.run(_serve_until_killed(url, port, ready))


async def _serve_until_killed(url: str, port: int, ready: Any) -> None:
    application = web.Application(client_max_size=32 << 20)
    application.router.add_post(HOOK, await _handler(url) if url else _bare)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    ready.set()
    await asyncio.Event().wait()


async def _handler(url: str) -> Any:
    database = Database(url)
    await database.migrate()
    access = WebhookAccess(max_body=32 << 20, max_rate=1_000_000)
    return WebhookHandler(
        ingester=Ingester(incidents=Incidents(database), clock=SystemClock()),
        access=lambda: access,
        count=lambda _status, _result: None,
    ).receive


async def _bare(request: web.Request) -> web.Response:
    return web.json_response({"alerts": len(json.loads(await request.read())["alerts"])})


async def _flood(url: str, sent: list[bytes]) -> float:
    """Send everything, some at once, and give alerts a second."""
    waiting = list(sent)

    async def send(session: aiohttp.ClientSession) -> None:
        while waiting:
            async with session.post(url, data=waiting.pop()) as answer:
                if answer.status != 200:
                    raise RuntimeError(f"{answer.status}: {await answer.text()}")

    async with aiohttp.ClientSession() as session:
        begun = time.perf_counter()
        await asyncio.gather(*(send(session) for _ in range(AT_ONCE)))
        took = time.perf_counter() - begun
    return len(sent) * BATCH / took


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(*map(int, sys.argv[1:])), indent=2) + "\n")
