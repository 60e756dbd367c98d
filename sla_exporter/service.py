"""The running service: configuration in force, jobs and site, and how they begin and end."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from sla_exporter.app import Engine, SystemClock, load
from sla_exporter.claim_desk import Overseer, desk_of, signer_of
from sla_exporter.errors import REASONS, ConfigInvalid, SlaExporterError
from sla_exporter.evidence import gather, pack
from sla_exporter.flow.deliver import DeliveryVerdict
from sla_exporter.flow.exclusions import ExclusionDesk
from sla_exporter.flow.ingest import Ingester, Joiner
from sla_exporter.leadership import Leadership
from sla_exporter.metrics import MetricsHandler, ProcessMetrics
from sla_exporter.notices.claim_page import ClaimPage
from sla_exporter.outward import deliverer_of, gatherer_of, reader_of, sinks_of
from sla_exporter.reloads import Reloads
from sla_exporter.schedule import Job, Schedule
from sla_exporter.store.engine import Database
from sla_exporter.store.exclusions import Exclusions
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.lease import FencedDatabase, Lease
from sla_exporter.store.listing import Listing
from sla_exporter.store.settlements import Settlements
from sla_exporter.store.tokens import Tokens
from sla_exporter.web.api.handlers import Api
from sla_exporter.web.claims import ClaimPages
from sla_exporter.web.hooks import WebhookHandler
from sla_exporter.web.lifecycle import ReloadHandler
from sla_exporter.web.server import Site
from sla_exporter.web.tls import WebTls

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sla_exporter.flow.claims import ClaimDesk
    from sla_exporter.ports import Clock
    from sla_exporter.settings import Config

_log = structlog.get_logger(__name__)

_JOIN_EVERY_MS = 60_000  # what replicas that died left behind


@dataclass(slots=True, kw_only=True)
class Service:
    """The running service: configuration in force, database, jobs and site."""

    config: Config
    clock: Clock = field(default_factory=SystemClock)
    tls: WebTls = field(default_factory=WebTls)
    external_url: str = ""
    metrics: ProcessMetrics = field(default_factory=ProcessMetrics)
    database: Database = field(init=False)
    fenced: FencedDatabase = field(init=False)
    engine: Engine = field(init=False)
    schedule: Schedule = field(init=False)
    leadership: Leadership = field(init=False)
    incidents: Incidents = field(init=False)
    joiner: Joiner = field(init=False)
    _join: Job = field(init=False)
    _reloads: Reloads = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.config = self._reached(self.config)
        self.database = Database(self.config.database_url)
        lease = Lease(self.database, owner=f"{self.name}:{uuid.uuid4().hex[:8]}")
        self.fenced = FencedDatabase(self.database, lease)
        self.engine = self._wired(self.config)
        self.leadership = Leadership(
            lease=lease,
            length_ms=lambda: self.config.schedule.lease_ms,
            begin=self._run_all,
        )
        self.metrics.lease_held.set_function(self.leadership.is_ours)
        self.schedule = Schedule(
            count=lambda job, result: self.metrics.runs.labels(job, result).inc(),
            clock=self.clock,
        )
        self.incidents = Incidents(self.database)
        self._join = Job(name="join", every_ms=_JOIN_EVERY_MS, run=self.incidents.join)
        self._reloads = Reloads(self._reload)
        self.joiner = Joiner(join=partial(self.schedule.run_once, self._join))
        self._mark_loaded()

    async def start(self) -> None:
        """Prepare the database and begin to work: deliver, and run the jobs if they are ours.

        Cancelled while it waits for the database, it leaves that as it was.
        """
        try:
            await self.database.migrate()
        except (SlaExporterError, asyncio.CancelledError):
            await self._close()
            raise
        self.schedule.start()
        self.schedule.replace(self.jobs())
        self._spawn(self.leadership.keep())

    async def stop(self) -> None:
        """Let running work come to its end and give everything back."""
        self.leadership.stop()
        await self.schedule.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.leadership.resign()
        with suppress(SlaExporterError):  # what is not joined now is joined after the next start
            await self.incidents.join()
        await self._close()

    async def reload(self) -> None:
        """Read the file again; who asks while it is read shares the time after that.

        Raises:
            ConfigInvalid: the old configuration stays in force then.
        """
        await self._reloads.ask()

    async def _reload(self) -> None:
        try:
            config = self._reached(await asyncio.to_thread(load, self.config.file))
            await asyncio.to_thread(self.tls.load)
        except ConfigInvalid as error:
            self.metrics.config_failures.inc()
            self.metrics.config_successful.set(0)
            _log.error("the new configuration is bad; the old one stays", problems=str(error))
            raise
        if config.database_url != self.config.database_url:
            _log.warning("a new database is used after a restart only")
        old, self.config = self.engine, config
        self.engine = self._wired(config)
        self.schedule.replace(self.jobs())
        self._mark_loaded()
        self._spawn(self._retire(old))
        self._spawn(self._run_all())
        _log.info("configuration reloaded", file=str(config.file))

    @property
    def name(self) -> str:
        """What this replica is called where it holds something."""
        return f"{socket.gethostname()}:{os.getpid()}"

    def jobs(self) -> list[Job]:
        """The jobs, at the intervals of the configuration in force; every replica delivers."""
        every, is_ours = self.config.schedule, self.leadership.is_ours
        return [
            Job(name="observe", every_ms=every.observe_ms, run=self._observe, is_ours=is_ours),
            *self._alertmanager_jobs(),
            Job(
                name="reconcile",
                every_ms=every.reconcile_ms,
                run=self._reconcile,
                is_ours=is_ours,
            ),
            Job(name="gather", every_ms=every.deliver_ms, run=self._gather, is_ours=is_ours),
            Job(name="claims", every_ms=every.claims_ms, run=self._claims, is_ours=is_ours),
            Job(name="deliver", every_ms=every.deliver_ms, run=self._deliver),
            self._join,
            Job(
                name="billing",
                every_ms=every.billing_ms,
                run=self._read_back,
                is_ours=is_ours,
            ),
        ]

    def _alertmanager_jobs(self) -> list[Job]:
        every, is_ours, engine = self.config.schedule, self.leadership.is_ours, self.engine
        repair = Job(name="repair", every_ms=every.repair_ms, run=engine.repair, is_ours=is_ours)
        if not self.config.alertmanager:
            return [repair]
        every_ms, run = every.silences_ms, engine.take_silences
        return [Job(name="silences", every_ms=every_ms, run=run, is_ours=is_ours), repair]

    def site(self) -> Site:
        """Build what the HTTP server answers from."""
        figures, tokens = DatabaseFigures(self.database), Tokens(self.database)
        return Site(
            webhook=WebhookHandler(
                ingester=Ingester(
                    incidents=self.incidents, clock=self.clock, kept=self.joiner.hear
                ),
                access=lambda: self.config.webhook,
                count=self.metrics.count_alerts,
                tokens=tokens,
            ),
            api=Api(
                tokens=tokens,
                lists=Listing(self.database),
                figures=figures,
                clock=self.clock,
                catalogue=lambda: self.config.catalogue,
                decider=lambda: self.engine.decider,
                desk=ExclusionDesk(store=Exclusions(self.database), clock=self.clock),
                claim_desk=self._claim_desk,
                pack=self._pack,
            ),
            claims=ClaimPages(
                signer=lambda: signer_of(self.config),
                desk=self._claim_desk,
                page=lambda: ClaimPage(renderer=self.engine.renderer),
                catalogue=lambda: self.config.catalogue,
                clock=self.clock,
            ),
            figures=figures,
            metrics=MetricsHandler(
                process=self.metrics,
                figures=figures,
                per_contract=lambda: self.config.per_contract_metrics,
            ).serve,
            reload=ReloadHandler(tokens=tokens, reload=self.reload).serve,
            is_ready=self._missing,
            shown_config=lambda: self.config.shown,
            tls=self.tls,
        )

    def _wired(self, config: Config) -> Engine:
        return Engine.of(
            config,
            self.fenced,
            clock=self.clock,
            failed=lambda service, reason: self.metrics.observe_failures.labels(
                service, reason
            ).inc(),
        )

    def _reached(self, config: Config) -> Config:
        """Give the configuration with the address that the command line says, if it says one."""
        if not self.external_url:
            return config
        claims = replace(config.claims, external_url=self.external_url)
        return replace(config, claims=claims)

    def _claim_desk(self) -> ClaimDesk:
        """Give what takes claims, on every replica: no lease is needed to take one."""
        reconciler = self.engine.reconciler
        poster = replace(reconciler.poster, settlements=Settlements(self.database))
        return desk_of(self.database, poster)

    async def _pack(self, name: str) -> dict[str, Any]:
        """Make the evidence pack of a credit."""
        facts = await gather(self.database, name)
        return pack(facts, self.config.catalogue, self.clock.now_ms(), self.config.evidence_key)

    async def _close(self) -> None:
        await asyncio.to_thread(self.engine.close)
        await self.database.close()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_all(self) -> None:
        for job in self.jobs():
            await self.schedule.run_once(job)

    async def _retire(self, engine: Engine) -> None:
        """Close what a reload replaced, once nothing uses it any more."""
        await self.schedule.idle()
        await asyncio.to_thread(engine.close)

    async def _observe(self) -> None:
        engine = self.engine
        before = engine.source.session.requests_made
        try:
            await engine.observe()
        finally:
            self.metrics.prometheus_requests.inc(engine.source.session.requests_made - before)
        await engine.stand()

    async def _reconcile(self) -> None:
        begun = self.clock.now_ms()
        written = await self.engine.reconcile()
        ended = self.clock.now_ms()
        self.metrics.reconcile_success.set(ended / 1000)
        self.metrics.reconcile_duration.set((ended - begun) / 1000)
        if written:
            _log.info("settled", settlements=written)
            await self._deliver()

    async def _gather(self) -> None:
        digests = await gatherer_of(self.config, self.fenced).gather_due(self.clock.now_ms())
        if digests:
            _log.info("gathered", digests=digests)

    async def _claims(self) -> None:
        overseer = Overseer(database=self.fenced, poster=self.engine.reconciler.poster)
        done = await overseer.look(self.config.catalogue, self.clock.now_ms())
        if done:
            _log.info("claims looked after", settlements=done)

    async def _deliver(self) -> None:
        sinks = sinks_of(self.config, self.clock)
        try:
            await deliverer_of(
                self.config,
                self.database,
                sinks,
                self.clock,
                lambda sink, verdict: self.metrics.deliveries.labels(sink, verdict).inc(),
            ).deliver_due()
        finally:
            await sinks.close()

    async def _read_back(self) -> None:
        sinks = sinks_of(self.config, self.clock)
        try:
            reader = reader_of(self.config, self.fenced, sinks, self.clock)
            # A tick that comes a little early must not be left out.
            checked = await reader.check_all(self.config.schedule.billing_ms * 9 // 10)
        finally:
            await sinks.close()
        for found in checked:
            if found.trouble:
                _log.warning("billing was not read back", sink=found.sink, error=found.trouble)
            for difference in found.differences:
                _log.error("billing differs from the ledger", **asdict(difference))

    async def _missing(self) -> str:
        """Say what keeps the service from being ready, or nothing."""
        try:
            await self.database.ping()
        except SlaExporterError as error:
            return str(error)
        return ""

    def _mark_loaded(self) -> None:
        self.metrics.config_successful.set(1)
        self.metrics.config_success.set(self.clock.now_ms() / 1000)
        for service in self.config.catalogue.services:
            for reason in REASONS:
                self.metrics.observe_failures.labels(service, reason)
        sinks = sinks_of(self.config, self.clock)
        for sink in {*sinks.notices, *sinks.billing}:
            for verdict in DeliveryVerdict:  # from zero on, so that the first is an increase
                self.metrics.deliveries.labels(sink, verdict)
