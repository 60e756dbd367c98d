"""A day's steady state: what the jobs of a real service cost, on a real Prometheus.

The clock is ours and goes in steps of a second; every job runs when its default interval has
passed, the lease is renewed as often as by the service, and our metrics are scraped every fifteen
seconds. An hour of a day in the last third of a month is walked and scaled to a day, with what
happened before that in the database: a year of settled months, with their credits and notices.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aiohttp.test_utils import make_mocked_request

from sla_exporter.app import load
from sla_exporter.core.periods import Period, datetime_of
from sla_exporter.core.windows import Window
from sla_exporter.demo.servers import alertmanager
from sla_exporter.metrics import MetricsHandler
from sla_exporter.ports.settling import Routes
from sla_exporter.service import Service
from sla_exporter.store.figures import DatabaseFigures
from tests.bench.fleet import Fleet, served
from tests.bench.posting import NO_BRAKES, fleet, seed
from tests.cast import DAY, HOUR
from tests.conftest import FixedClock
from tests.office import Office

if TYPE_CHECKING:
    from sla_exporter.settings import Config

_BEFORE_DAYS = 19  # of the month, before the day that Prometheus holds
_BEHIND_MONTHS = 12
_SCRAPE_MS = 15_000
_ROUTES = Routes(notices="file", credits="file", statements=False)


def run(contracts: int = 10_000, hours: int = 1) -> dict[str, Any]:
    """Walk so many hours; CPU is user and system time of this process, without Prometheus."""
    samples = Fleet(series=contracts, days=1, unclean=0.002)
    with TemporaryDirectory() as name, served(samples, Path(name)) as url:
        route = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}
        with alertmanager(Path(name) / "am", route) as pager:
            service = Service(
                config=_config(Path(name), samples, url, pager.url),
                clock=FixedClock(samples.end_ms - hours * HOUR),
            )
            return asyncio.run(_walked(service, samples, hours))


def _config(folder: Path, samples: Fleet, prometheus: str, pager: str) -> Config:
    file = folder / "sla-exporter.yml"
    web = {
        "sli": {"probe": "up", "interval": "60s"},
        "contract_label": "c",
        "incidents": {"matchers": ['alertname="SiteDown"']},
    }
    tiers = [{"below": "99.95%", "pays": "10%"}]
    content = {
        "prometheus": {"url": prometheus},
        "alertmanager": {"url": pager},
        "services": {"web": web},
        "policies": {"gold": {"objective": "99.95%", "credit": {"tiers": tiers}}},
        "mode": "automatic",
        "notices": {"folder": str(folder / "outbox")},
    }
    file.write_text(json.dumps(content))
    config = load(file)
    book, _ = fleet(samples.series)
    since = datetime_of(_months_behind(samples)[0].span.start_ms).date()
    contracts = tuple(replace(one, since=since) for one in book.contracts)
    catalogue = replace(config.catalogue, contracts=contracts)
    return replace(config, catalogue=catalogue)


def _months_behind(samples: Fleet) -> list[Period]:
    months = [Period.containing(samples.start_ms, "UTC").previous]
    while len(months) < _BEHIND_MONTHS:
        months.insert(0, months[0].previous)
    return months


async def _live_through(service: Service, month: Period) -> None:
    """Settle a month as if the service had been there, and deliver what comes of it."""
    catalogue, now_ms = service.config.catalogue, month.span.end_ms + 2 * DAY
    _, states = fleet(len(catalogue.contracts), "c", month.span.start_ms)
    await seed(service.database, states, Window(month.span.start_ms, now_ms))
    office = Office(service.database, brakes=NO_BRAKES, plain=True)
    office.reconciler = replace(office.reconciler, routes=_ROUTES)
    await office.settle(catalogue, now_ms)


async def _walked(service: Service, samples: Fleet, hours: int) -> dict[str, Any]:
    await service.database.migrate()
    for month in _months_behind(samples):
        await _live_through(service, month)
    span = Window(samples.start_ms - _BEFORE_DAYS * DAY, samples.start_ms)
    _, states = fleet(samples.series, "c", span.start_ms, _BEFORE_DAYS * 24 - 24)
    await seed(service.database, states, span)
    lease = service.leadership.lease
    await lease.acquire(HOUR)
    for job in service.jobs():  # what was left open catches up, which is no steady state
        await service.schedule.run_once(job)
    figures = DatabaseFigures(service.database)
    scraped = MetricsHandler(process=service.metrics, figures=figures, per_contract=lambda: True)
    spent: dict[str, float] = {}
    begun = time.process_time()
    for second in range(1, hours * 3600 + 1):
        await _tick(service, scraped, second, spent)
    cpu_s = (time.process_time() - begun) * 24 / hours
    issued = (await figures.figures()).issued
    await service.stop()
    return {
        "contracts": samples.series,
        "months_behind": _BEHIND_MONTHS,
        "credits_behind": sum(count for _, count in issued.values()),
        "hours_walked": hours,
        "cpu_s_a_day": round(cpu_s),
        "percent_of_a_core": round(cpu_s / 864, 2),
        **{f"{name}_s_a_day": round(s * 24 / hours, 1) for name, s in sorted(spent.items())},
    }


async def _tick(
    service: Service, scraped: MetricsHandler, second: int, spent: dict[str, float]
) -> None:
    """Let a second pass, and do what is due then."""
    clock = service.clock
    clock.at_ms += 1000  # type: ignore[attr-defined]
    every = {job.name: (job.every_ms, service.schedule.run_once, job) for job in service.jobs()}
    lease_ms = service.config.schedule.lease_ms
    every["lease"] = (lease_ms // 5, service.leadership.lease.acquire, lease_ms)
    every["scrape"] = (_SCRAPE_MS, scraped.serve, make_mocked_request("GET", "/metrics"))
    for name, (every_ms, work, what) in every.items():
        if second * 1000 % every_ms == 0:
            begun = time.process_time()
            await work(what)
            spent[name] = spent.get(name, 0) + time.process_time() - begun
