"""Deliveries: a month's credits on SQLite, entered in a billing system on this machine.

Compared with a bare loop that makes the same HTTP requests, as many at once, and keeps no record of
anything.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sla_exporter.core.ledger import grant
from sla_exporter.core.settled import Settled
from sla_exporter.flow.deliver import Deliverer
from sla_exporter.ports.delivery import Credit, Sinks
from sla_exporter.ports.settling import Order, Posting
from sla_exporter.sinks.webhook import WebhookSection, WebhookSink
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.outbox import DatabaseOutbox
from sla_exporter.store.settlements import Settlements
from tests.cast import ACME, contract, outage, settled
from tests.conftest import FixedClock
from tests.fakes.receiver import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

NOW = 1_793_000_000_000


def run(size: int) -> dict[str, Any]:
    """Measure; rates are per second."""
    postings = [_posting(number) for number in range(size)]
    with TemporaryDirectory() as folder, beside(_receive) as (url, told):
        bare_s = asyncio.run(_bare(_sink(f"{url}/bare"), postings))
        told.recv()
        delivered_s = asyncio.run(_deliver(_sink(f"{url}/counted"), Path(folder), postings))
        different, arrived = told.recv()
    return {
        "credits": size,
        "lost": size - different,
        "doubled": arrived - different,
        "deliveries_per_s": round(size / delivered_s),
        "bare_requests_per_s": round(size / bare_s),
        "ratio_to_bare_requests": round(delivered_s / bare_s, 2),
    }


def _posting(number: int) -> Posting:
    of = contract(ACME, "499.90", id=f"acme-{number}")
    settlement = settled(outage(3, 10, 95), of=of)
    entry = grant(settlement, NOW)
    order = Order(key=f"webhook/{entry.key}", sink="webhook", kind="credit", about=entry.key)
    return Posting(settled=Settled.of(settlement), entries=(entry,), orders=(order,))


def _sink(url: str) -> WebhookSink:
    section = WebhookSection(url=url, secret=SECRET)
    return WebhookSink("webhook", section, FixedClock(NOW), (ip_network("127.0.0.0/8"),))


async def _bare(sink: WebhookSink, postings: list[Posting]) -> float:
    begun = time.perf_counter()
    for start in range(0, len(postings), sink.at_once):
        entries = [e for one in postings[start : start + sink.at_once] for e in one.entries]
        credits_due = [Credit(entry=entry, account="a") for entry in entries if entry]
        await asyncio.gather(*map(sink.issue, credits_due))
    took = time.perf_counter() - begun
    await _ask(sink)
    return took


async def _deliver(sink: WebhookSink, folder: Path, postings: list[Posting]) -> float:
    database = Database(sqlite_url(folder / "sla-exporter.db"))
    await database.migrate()
    for start in range(0, len(postings), 500):
        await Settlements(database).post(postings[start : start + 500], NOW)
    deliverer = Deliverer(
        outbox=DatabaseOutbox(database),
        sinks=Sinks(notices={}, billing={"webhook": sink}),
        clock=FixedClock(NOW),
        owner="bench",
        count=lambda _sink, _verdict: None,
        account_of=lambda _sink, _entry: "a",
    )
    begun = time.perf_counter()
    await deliverer.deliver_due()
    took = time.perf_counter() - begun
    await _ask(sink)
    await database.close()
    return took


async def _ask(sink: WebhookSink) -> None:
    """Have the receiver tell what arrived, and forget it."""
    await sink._caller.write(sink._section.url.rpartition("/")[0] + "/tell", needs_json=False)  # noqa: SLF001
    await sink.close()


@contextmanager
def beside(work: Callable[[Connection], None]) -> Iterator[tuple[Any, Connection]]:
    """Run a server in a process of its own; it tells first where it is, then what arrived."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(theirs,))
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.terminate()
        process.join()
        ours.close()
        theirs.close()


def _receive(told: Connection) -> None:
    arrived: Counter[str] = Counter()

    async def take(request: web.Request) -> web.Response:
        await request.read()
        if request.path == "/tell":
            told.send((len(arrived), arrived.total()))
            arrived.clear()
        else:
            arrived[request.headers["webhook-id"]] += 1
        return web.json_response({"id": "x"})

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        told.send(f"http://{host}:{port}")
        await asyncio.Event().wait()

    asyncio.run(serve())
