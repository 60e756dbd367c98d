"""Webhooks: alerts a second that are durable before they are answered.

Beside a bare aiohttp handler that parses the same JSON and commits nothing: the most that this
machine and this HTTP server could do. Server and client are processes of their own, and the client
is the same for both.

What was taken in is joined to the incident windows afterwards. How many alerts a second that makes,
from the first request until the last window, is measured too.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sla_exporter.app import SystemClock
from sla_exporter.core.incidents import fingerprint_of
from sla_exporter.demo.servers import free_port
from sla_exporter.flow.ingest import Ingester, Joiner
from sla_exporter.garbage import look_seldom
from sla_exporter.metrics import MetricsHandler, ProcessMetrics
from sla_exporter.settings.config import WebhookAccess
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.incidents import Incidents
from sla_exporter.web.hooks import WebhookHandler
from sla_exporter.web.server import Site
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 50
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")
HOOK = "/api/v1/alerts/webhook"
AT_ONCE = 64
SECRET = "s3cret"


def bodies(requests: int) -> list[bytes]:
    """Write requests of fifty alerts each, no alert twice, as Alertmanager writes them."""
    common = {"alertname": "ProbeDown", "job": "blackbox", "severity": "page"}
    made = []
    for number in range(requests):
        alerts = []
        for index in range(BATCH):
            labels = {**common, "instance": f"https://c{number}-{index}.example/"}
            alerts.append({
                "status": "firing",
                "labels": labels,
                "annotations": {"summary": "is down", "description": "The probe fails."},
                "startsAt": "2026-11-23T12:40:57.123Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus:9090/graph?g0.expr=probe_success+%3D%3D+0",
                "fingerprint": fingerprint_of(labels),
            })  # fmt: skip
        envelope = {"version": "4", "status": "firing", "receiver": "sla", "alerts": alerts}
        sent = {**envelope, "externalURL": "http://alertmanager:9093"}
        made.append(json.dumps(sent, separators=(",", ":")).encode())
    return made


def run(requests: int = 4_000, repeats: int = 3) -> dict[str, Any]:
    """Measure all three in turns, and give the best of each: of new alerts, and of the same again.

    Alertmanager repeats what it told, so that most of what comes is known.
    """
    sent = bodies(requests)
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, PostgresServer(durable=True) as server:
        for number in range(repeats):
            urls = {
                "bare": "",
                "sqlite": sqlite_url(Path(folder) / f"{number}.db"),
                "postgresql": server.fresh_database(),
            }
            for name, url in urls.items():
                with served(url) as port:
                    for kind in ("new", "known"):
                        kept, joined = asyncio.run(_flood(port, sent, joins=bool(url)))
                        rates = {f"{name}_{kind}": kept, f"{name}_{kind}_joined": joined}
                        best |= {key: max(best.get(key, 0), rate) for key, rate in rates.items()}
    bare = max(best["bare_new"], best["bare_known"])
    ours = {name: rate for name, rate in best.items() if not name.startswith("bare")}
    return {
        "alerts_a_request": BATCH,
        "requests": requests,
        "bare_alerts_per_s": round(bare),
        **{f"{name}_alerts_per_s": round(rate) for name, rate in ours.items()},
        **{f"{name}_share_of_bare": round(rate / bare, 2) for name, rate in ours.items()},
    }


@contextmanager
def served(url: str) -> Iterator[int]:
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
        yield port
    finally:
        process.terminate()
        process.join()


def _serve(url: str, port: int, ready: Any) -> None:
    asyncio.run(_serve_until_killed(url, port, ready))


async def _serve_until_killed(url: str, port: int, ready: Any) -> None:
    application = (await _site(url)).application() if url else _bare_application()
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    look_seldom()  # as serve does
    ready.set()
    await asyncio.Event().wait()


async def _site(url: str) -> Site:
    """Build the whole site, with credentials and metrics, as the service has it."""
    database, process = Database(url), ProcessMetrics()
    await database.migrate()
    access = WebhookAccess(max_body=32 << 20, max_rate=1_000_000, bearer_token=SECRET)
    figures, incidents = DatabaseFigures(database), Incidents(database)
    joiner = Joiner(join=incidents.join)
    return Site(
        webhook=WebhookHandler(
            ingester=Ingester(incidents=incidents, clock=SystemClock(), kept=joiner.hear),
            access=lambda: access,
            count=process.count_alerts,
        ),
        figures=figures,
        metrics=MetricsHandler(process=process, figures=figures, per_contract=lambda: True).serve,
        reload=_nothing,
        is_ready=_nothing,
    )


async def _nothing() -> Any:
    return ""


def _bare_application() -> web.Application:
    application = web.Application(client_max_size=32 << 20)
    application.router.add_post(HOOK, _bare)
    return application


async def _bare(request: web.Request) -> web.Response:
    return web.json_response({"alerts": len(json.loads(await request.read())["alerts"])})


class _Sender(asyncio.Protocol):
    """Sends what waits, one request after the other, on a connection of its own.

    Written by hand, as a client of a library costs as much as the server that is measured, and both
    are on the same cores.
    """

    def __init__(self, waiting: list[bytes], done: asyncio.Future[None]) -> None:
        self._waiting, self._done, self._got = waiting, done, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, ended, body = self._got.partition(b"\r\n\r\n")
        if not ended or len(body) < int(_LENGTH.search(head)[1]):
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            self._done.set_exception(RuntimeError(self._got.decode()))
        self._got = b""
        self._next()

    def _next(self) -> None:
        if self._waiting:
            self._transport.write(self._waiting.pop())
        elif not self._done.done():
            self._done.set_result(None)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or RuntimeError("the server hung up"))


async def _flood(port: int, sent: list[bytes], *, joins: bool) -> tuple[float, float]:
    """Send everything, some at once; give alerts a second until all are kept, and joined."""
    head = f"POST {HOOK} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Alertmanager/0.25.0\r\n"
    head += f"Authorization: Bearer {SECRET}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: "
    waiting = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in reversed(sent)]
    loop = asyncio.get_running_loop()
    senders = [loop.create_future() for _ in range(AT_ONCE)]
    begun = time.perf_counter()
    for done in senders:
        await loop.create_connection(lambda d=done: _Sender(waiting, d), "127.0.0.1", port)
    await asyncio.gather(*senders)
    kept = time.perf_counter() - begun
    if joins:
        await asyncio.to_thread(_until_joined, port)
    joined = time.perf_counter() - begun
    return len(sent) * BATCH / kept, len(sent) * BATCH / joined


def _until_joined(port: int) -> None:
    """Scrape until nothing waits; seldom, as a scrape costs the server what it needs to join."""
    backlog = 1.0
    while backlog:
        time.sleep(0.2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            backlog = float(re.search(rb"(?m)^sla_webhook_backlog (.*)$", answer.read())[1])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(*map(int, sys.argv[1:])), indent=2) + "\n")
