"""The story: last month is settled, a site goes down and comes back, and both are told."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import requests

from sla_exporter.app import SystemClock
from sla_exporter.core.ledger import EntryKind
from sla_exporter.core.periods import utc_text
from sla_exporter.core.windows import Window
from sla_exporter.demo.site import LocalSite
from sla_exporter.demo.stage import ALERT, Stage
from sla_exporter.errors import SlaExporterError
from sla_exporter.notices.formats import plain
from sla_exporter.notices.report import explanation, row, to_json
from sla_exporter.sinks.file import FileSink
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.settlements import Settlements

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.settled import Settled

T = TypeVar("T")

_PATIENCE_S = 60
_OUTAGE_S = 8

HEADINGS = ("CUSTOMER", "AVAILABILITY", "PROMISED", "DOWNTIME", "NOT MEASURED", "CREDIT", "NOTICE")
"""What :func:`rows` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the demo has to show."""

    settled: Sequence[Settled]
    incident: IncidentWindow
    stage: Stage

    def rows(self) -> list[tuple[str, ...]]:
        """Give a table row for every customer."""
        found: list[tuple[str, ...]] = []
        for settled in self.settled:
            _, _, availability, promised, downtime, missing, _, credit = row(settled)
            notice = self.notice(settled)
            shown = notice.relative_to(self.stage.folder) if notice else "-"
            cells = (settled.customer, availability, promised, downtime, missing, credit)
            found.append((*cells, str(shown)))
        return found

    def live(self) -> str:
        """Say what became of the outage that was made before one's eyes."""
        start_ms, end_ms = self.incident.window
        return (
            f"Live: {self.incident.labels['customer']} was down from {utc_text(start_ms)} to "
            f"{utc_text(end_ms)} ({plain().duration(end_ms - start_ms)}), as Alertmanager told.\n"
            "Its month is still open, so it has no row above and no credit yet."
        )

    def example(self) -> str:
        """Give the reasoning behind one credit."""
        return explanation(next(settled for settled in self.settled if settled.owes))

    def notice(self, settled: Settled) -> Path | None:
        """Find the notice of a settlement."""
        sink = FileSink(folder=self.stage.outbox, clock=SystemClock())
        kind = "credit" if settled.owes else "statement"
        path = sink.notice_path(f"{kind}/{settled.key}")
        return path if path.is_file() else None

    def to_json(self) -> str:
        """Give everything as one JSON object in one line."""
        customers = [
            to_json(settled) | {"notice": str(self.notice(settled) or "")}
            for settled in self.settled
        ]
        start_ms, end_ms = self.incident.window
        incident = {
            "alert": self.incident.name,
            "fingerprint": self.incident.fingerprint,
            "labels": dict(self.incident.labels),
            "starts_at": utc_text(start_ms),
            "ends_at": utc_text(end_ms),
            "duration_s": (end_ms - start_ms) / 1000,
        }
        return json.dumps({"customers": customers, "incident": incident}, ensure_ascii=False)


async def play(
    folder: Path, tell: Callable[[str], None], *, after: Callable[[Outcome], Awaitable[None]]
) -> None:
    """Play the whole story in a folder; ``after`` runs while everything is still up."""
    site = LocalSite()
    await site.start()
    stage = Stage(folder=folder, site_port=site.port, now_ms=SystemClock().now_ms(), tell=tell)
    try:
        await asyncio.to_thread(stage.raise_curtain)
        await after(await _act(stage, site, tell))
    finally:
        await asyncio.to_thread(stage.drop_curtain)
        await site.stop()


@contextmanager
def folder_for(kept: Path | None) -> Iterator[Path]:
    """Give the folder to play in: a temporary one is removed at the end."""
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.absolute()
        return
    temporary = Path(tempfile.mkdtemp(prefix="sla-exporter-demo-"))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


async def _act(stage: Stage, site: LocalSite, tell: Callable[[str], None]) -> Outcome:
    database = Database(sqlite_url(stage.folder / "sla-exporter.db"))
    try:
        tell(f"measuring and settling {stage.month.label}")
        settled = await _until(
            lambda: _settled(database, stage), f"{stage.month.label} was settled"
        )
        tell(f"taking the local site down for {_OUTAGE_S} seconds")
        await _until(lambda: _probed(stage), "the site was probed")
        incident = await _outage(database, site, tell)
        tell("waiting for the notices")
        sink = FileSink(folder=stage.outbox, clock=SystemClock())
        wanted = [s for s in settled if not s.holds]
        await _until(lambda: _delivered(sink, wanted), "all notices were delivered")
    finally:
        await database.close()
    return Outcome(settled=settled, incident=incident, stage=stage)


async def _settled(database: Database, stage: Stage) -> list[Settled]:
    found = await Settlements(database).settled(stage.month.label)
    expected = sum(part["contracts"][0]["service"] == "web" for part in _customers(stage))
    return found if len(found) >= expected else []


def _customers(stage: Stage) -> list[dict[str, Any]]:
    return json.loads(stage.config_file.read_text())["customers"]  # type: ignore[no-any-return]


async def _probed(stage: Stage) -> bool:
    """Wait until the site was seen up, or Prometheus would not know it goes down."""
    answer = await asyncio.to_thread(
        requests.get,
        f"{stage.prometheus.url}/api/v1/query",
        {"query": 'probe_success{job="live"} == 1'},
        timeout=5,
    )
    return bool(answer.json()["data"]["result"])


async def _outage(
    database: Database, site: LocalSite, tell: Callable[[str], None]
) -> IncidentWindow:
    site.is_down = True
    down_at = SystemClock().now_ms()

    async def reported() -> list[IncidentWindow]:
        found = await Incidents(database).overlapping(Window(down_at, down_at + 3_600_000))
        return [incident for incident in found if incident.name == ALERT]

    fired = await _until(reported, "Alertmanager reported the outage")
    tell(f"{ALERT} fired at {utc_text(fired[0].starts_at_ms)}")
    await asyncio.sleep(max(0, _OUTAGE_S - (SystemClock().now_ms() - down_at) / 1000))
    site.is_down = False
    tell("the site is up again; waiting for the resolve")

    async def resolved() -> list[IncidentWindow]:
        return [incident for incident in await reported() if incident.ends_at_ms is not None]

    ended = await _until(resolved, "Alertmanager reported the end of the outage")
    tell(f"{ALERT} resolved at {utc_text(ended[0].window.end_ms)}")
    return ended[0]


async def _delivered(sink: FileSink, settled: Sequence[Settled]) -> bool:
    for item in settled:
        kind = "credit" if item.owes else "statement"
        paths = [sink.notice_path(f"{kind}/{item.key}")]
        if item.owes:
            paths.append(sink.credit_path(f"{EntryKind.GRANT}/{item.key}"))
        if not all(path.is_file() for path in paths):
            return False
    return True


async def _until(check: Callable[[], Awaitable[T]], what: str) -> T:
    """Ask again and again until the answer is something."""
    found: T | None = None
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while not (found := await check()):  # noqa: ASYNC110 - other processes set no event
                await asyncio.sleep(0.2)
    if not found:
        raise SlaExporterError(f"gave up after {_PATIENCE_S} s: it never came to be that {what}")
    return found


def echo(message: str) -> None:
    """Tell progress on standard error."""
    click.echo(f"  {message}", err=True)
