"""Notices: how many a second are rendered, and handed to a mail server on this machine.

Rendering is compared with Jinja alone, which fills the same three templates with the same facts and
draws no picture, inlines no styles and formats nothing. Sending is compared with a bare loop that
hands the same messages to the same server, as many at once, and keeps no record of anything.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import aiosmtplib
from aiosmtpd.smtp import SMTP

from sla_exporter.core.ledger import grant
from sla_exporter.core.settled import Settled
from sla_exporter.flow.deliver import MOST_AT_ONCE, Deliverer
from sla_exporter.notices.render import PARTS, JinjaRenderer
from sla_exporter.ports.delivery import Sinks
from sla_exporter.ports.settling import Order, Posting
from sla_exporter.sinks.email import EmailSink
from sla_exporter.sinks.message import compose
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.outbox import DatabaseOutbox
from sla_exporter.store.settlements import Settlements
from tests.bench.deliveries import beside
from tests.cast import ACME, contract, outage, settled
from tests.conftest import FixedClock

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from sla_exporter.ports.settling import Notice

NOW = 1_793_000_000_000
FROM = "Example Hosting <billing@hosting.example>"


def run(size: int) -> dict[str, Any]:
    """Measure; rates are per second."""
    renderer = JinjaRenderer("Example Hosting")
    settlements = [
        settled(outage(3, 10, 95), of=contract(ACME, "499.90", id=f"acme-{number}"))
        for number in range(size)
    ]
    rendered_s, notices = _rendered(renderer, settlements)
    bare_s = _filled(renderer, notices)
    digest_s = _timed(lambda: renderer.render_digest(notices[:5]))
    with TemporaryDirectory() as folder, beside(_take_mail) as (port, told):
        bare_mail_s = asyncio.run(_bare(port, notices))
        told.send("count")
        told.recv()
        postings = [_posting(one, notice) for one, notice in zip(settlements, notices, strict=True)]
        delivered_s = asyncio.run(_deliver(port, Path(folder), postings))
        told.send("count")
        arrived = told.recv()
    return {
        "notices": size,
        "rendered_per_s": round(size / rendered_s),
        "bare_jinja_per_s": round(size / bare_s),
        "ratio_to_bare_jinja": round(rendered_s / bare_s, 2),
        "digest_of_five_ms": round(digest_s * 1000, 1),
        "lost": size - len(set(arrived)),
        "doubled": len(arrived) - len(set(arrived)),
        "mails_per_s": round(size / delivered_s),
        "bare_mails_per_s": round(size / bare_mail_s),
        "ratio_to_bare_mails": round(delivered_s / bare_mail_s, 2),
    }


def _rendered(renderer: JinjaRenderer, settlements: list[Any]) -> tuple[float, list[Notice]]:
    kept = [(Settled.of(one), one.contract.customer, grant(one, NOW)) for one in settlements]
    renderer.render(*kept[0])  # templates are compiled once, whoever renders
    begun = time.perf_counter()
    notices = [renderer.render(*one) for one in kept]
    return time.perf_counter() - begun, notices


def _filled(renderer: JinjaRenderer, notices: list[Notice]) -> float:
    environment = renderer._environment("en")  # noqa: SLF001 - Jinja itself
    templates = [environment.get_template(f"notices/credit/{part}") for part in PARTS]
    begun = time.perf_counter()
    for notice in notices:
        for template in templates:
            template.render(notice=notice.facts, alone=True, sections=())
    return time.perf_counter() - begun


def _timed(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _posting(settlement: Any, notice: Notice) -> Posting:
    order = Order(key=f"email/{notice.key}", sink="email", kind="notice", about=notice.key)
    return Posting(settled=Settled.of(settlement), notice=notice, orders=(order,))


async def _bare(port: int, notices: list[Notice]) -> float:
    async def send(notice: Notice) -> None:
        message = compose(notice, key=notice.key, sender=FROM, reply_to=None, at_ms=NOW)
        await aiosmtplib.send(message, hostname="127.0.0.1", port=port, start_tls=False, timeout=60)

    begun = time.perf_counter()
    for start in range(0, len(notices), MOST_AT_ONCE):
        await asyncio.gather(*map(send, notices[start : start + MOST_AT_ONCE]))
    return time.perf_counter() - begun


async def _deliver(port: int, folder: Path, postings: list[Posting]) -> float:
    database = Database(sqlite_url(folder / "sla-exporter.db"))
    await database.migrate()
    for start in range(0, len(postings), 500):
        await Settlements(database).post(postings[start : start + 500], NOW)
    clock = FixedClock(NOW)
    sink = EmailSink(clock=clock, host="127.0.0.1", port=port, security="none", sender=FROM)
    deliverer = Deliverer(
        outbox=DatabaseOutbox(database),
        sinks=Sinks(notices={"email": sink}, billing={}),
        clock=clock,
        owner="bench",
        count=lambda _sink, _verdict: None,
        account_of=lambda _sink, _entry: None,
    )
    begun = time.perf_counter()
    await deliverer.deliver_due()
    took = time.perf_counter() - begun
    await database.close()
    return took


class _Postbox:
    """Takes everything and remembers the Message-IDs."""

    def __init__(self) -> None:
        self.names: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        head = envelope.content[:2000].split(b"Message-ID: ", 1)[1]
        self.names.append(head.split(b"\r\n", 1)[0])
        return "250 taken"


def _take_mail(told: Connection) -> None:
    async def serve() -> None:
        postbox = _Postbox()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(postbox), "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        while True:
            await asyncio.to_thread(told.recv)
            told.send(list(postbox.names))
            postbox.names.clear()

    asyncio.run(serve())
