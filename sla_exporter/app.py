"""The composition root: knows every adapter, and wires the steps of the flow with them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sla_exporter.core.due import evidence_span
from sla_exporter.core.exposure import Outlooks
from sla_exporter.core.windows import Window
from sla_exporter.flow.decide import Decider
from sla_exporter.flow.late import read_late
from sla_exporter.flow.observe import Observer
from sla_exporter.flow.reconcile import Reconciler
from sla_exporter.flow.upkeep import keep_up
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.ports import Routes, silent
from sla_exporter.sinks.email import EmailSink
from sla_exporter.sinks.file import FileSink
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.observations import Observations
from sla_exporter.store.settlements import Settlements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.due import Due
    from sla_exporter.ports import Clock, ObservationStore, Progress, Sink
    from sla_exporter.settings import Config
    from sla_exporter.store.engine import Database


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Give milliseconds since the epoch."""
        return time.time_ns() // 1_000_000  # noqa: TID251 - this is the clock


def source_of(config: Config) -> PrometheusSource:
    """Build the sample source."""
    access = config.prometheus
    return PrometheusSource(
        access.url, timeout_s=access.timeout_s, headers=access.headers, auth=access.auth
    )


def sinks_of(config: Config, clock: Clock) -> dict[str, Sink]:
    """Build every sink that the configuration allows; the registry of sinks."""
    sinks: dict[str, Sink] = {"file": FileSink(folder=config.notices.folder, clock=clock)}
    if config.mail:
        sinks["email"] = EmailSink(
            clock=clock,
            host=config.mail.host,
            port=config.mail.port,
            security=config.mail.security,
            sender=config.mail.sender,
            username=config.mail.username,
            password=config.mail.password,
            reply_to=config.mail.reply_to,
        )
    return sinks


@dataclass(slots=True, kw_only=True)
class Engine:
    """The steps of the flow, wired for one configuration."""

    config: Config
    clock: Clock
    observer: Observer
    reconciler: Reconciler
    source: PrometheusSource
    outlooks: Outlooks = field(default_factory=Outlooks)

    @classmethod
    def of(
        cls,
        config: Config,
        database: Database,
        *,
        clock: Clock,
        observations: ObservationStore | None = None,
        progress: Progress = silent,
    ) -> Engine:
        """Wire the adapters; other observations than the database's are for dry runs."""
        observations = observations or Observations(database)
        source = source_of(config)
        notices = config.notices
        return cls(
            config=config,
            clock=clock,
            source=source,
            observer=Observer(
                source=source,
                store=observations,
                settle_after_ms=config.settle_after_ms,
                progress=progress,
            ),
            reconciler=Reconciler(
                observations=observations,
                incidents=Incidents(database),
                settlements=Settlements(database),
                renderer=JinjaRenderer(notices.company, notices.templates),
                routes=Routes(
                    notices="email" if config.mail else "file",
                    credits="file",
                    statements=notices.statements,
                ),
                settle_after_ms=config.settle_after_ms,
                brakes=config.brakes,
                progress=progress,
            ),
        )

    @property
    def decider(self) -> Decider:
        """What carries decisions out."""
        reconciler = self.reconciler
        return Decider(
            settlements=reconciler.settlements,
            poster=reconciler.poster,
            progress=reconciler.progress,
        )

    async def observe(self, label: str | None = None) -> None:
        """Observe all services, from the period of that label on if it is given."""
        await self.observer.observe_all(self.config.catalogue, self.clock.now_ms(), label)

    async def read_late(self, due: Sequence[Due]) -> None:
        """Fill what was unknown in these periods with samples that arrived since."""
        for name in sorted({item.contract.service for item in due}):
            spans = [evidence_span(item.period) for item in due if item.contract.service == name]
            hull = Window(min(s.start_ms for s in spans), max(s.end_ms for s in spans))
            service = self.config.catalogue.services[name]
            await read_late(service, hull, self.source, self.observer.store)

    async def reconcile(self) -> int:
        """Settle what is due, and note how the open periods stand."""
        now_ms = self.clock.now_ms()
        written = await self.reconciler.settle_due(self.config.catalogue, now_ms)
        await keep_up(self.reconciler.settlements, self.config.catalogue, now_ms)
        await self.stand()
        return written

    async def stand(self) -> None:
        """Note how the open periods stand."""
        await self.reconciler.stand(self.config.catalogue, self.clock.now_ms(), self.outlooks)

    def close(self) -> None:
        """Give connections back."""
        self.source.close()
