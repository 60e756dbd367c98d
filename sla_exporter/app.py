"""The composition root: knows every adapter, and wires the steps of the flow with them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sla_exporter.claim_desk import offers_of
from sla_exporter.core.due import evidence_span
from sla_exporter.core.exposure import Outlooks
from sla_exporter.core.windows import Window
from sla_exporter.flow.corroborate import Corroborator
from sla_exporter.flow.decide import Decider
from sla_exporter.flow.exclusions import take_silences
from sla_exporter.flow.hear import Hearing
from sla_exporter.flow.late import read_late
from sla_exporter.flow.observe import Observer, uncounted
from sla_exporter.flow.reconcile import Reconciler
from sla_exporter.flow.repair import Repairer
from sla_exporter.flow.upkeep import keep_up
from sla_exporter.outward import acknowledger_of, renderer_of, routes_of
from sla_exporter.ports import silent
from sla_exporter.settings import load_config
from sla_exporter.sinks.registry import sink_kinds
from sla_exporter.sources.alertmanager import Alertmanager
from sla_exporter.sources.http import HttpApi
from sla_exporter.sources.opinions import IN_SERIES
from sla_exporter.sources.opinions.pingdom import URL as PINGDOM_URL
from sla_exporter.sources.opinions.pingdom import Pingdom
from sla_exporter.sources.opinions.series import SeriesOpinion
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.sources.rules import RuleIntervals
from sla_exporter.store.claims import Claims
from sla_exporter.store.exclusions import Exclusions
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.observations import Observations
from sla_exporter.store.opinions import Opinions
from sla_exporter.store.settlements import Settlements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sla_exporter.core.due import Due
    from sla_exporter.notices.render import JinjaRenderer
    from sla_exporter.ports import Clock, Progress
    from sla_exporter.ports.evidence import SecondOpinion
    from sla_exporter.ports.measuring import ObservationStore
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
        access.url,
        timeout_s=access.timeout_s,
        headers=access.headers,
        auth=access.auth,
        retention_ms=access.retention_ms,
    )


def alertmanager_of(config: Config) -> Alertmanager | None:
    """Build the connection to Alertmanager, if one is configured."""
    access = config.alertmanager
    if access is None:
        return None
    return Alertmanager(
        HttpApi(access.url, timeout_s=access.timeout_s, headers=access.headers, auth=access.auth)
    )


def rules_of(config: Config) -> RuleIntervals:
    """Build the connection to the rules of Prometheus."""
    access = config.prometheus
    return RuleIntervals(
        HttpApi(access.url, timeout_s=access.timeout_s, headers=access.headers, auth=access.auth)
    )


def opinions_of(
    config: Config, own: PrometheusSource, clock: Clock
) -> tuple[dict[str, SecondOpinion], list[PrometheusSource]]:
    """Build the second opinions by service, and the connections they need beside our own."""
    found: dict[str, SecondOpinion] = {}
    others: list[PrometheusSource] = []
    for service, access in config.opinions.items():
        if access.kind == "pingdom":
            api = HttpApi(
                access.url or PINGDOM_URL, timeout_s=access.timeout_s, headers=access.headers
            )
            found[service] = Pingdom(
                api, access.monitors, tolerance_ms=access.tolerance_ms, clock=clock
            )
            continue
        points = own
        if access.url:
            points = PrometheusSource(
                access.url, timeout_s=access.timeout_s, headers=access.headers, auth=access.auth
            )
            others.append(points)
        name, kind = IN_SERIES[access.kind]
        found[service] = SeriesOpinion(
            points,
            name=name,
            meaning=kind.meaning,
            selector=access.series or kind.SERIES,
            label=access.label or kind.LABEL,
            monitors=access.monitors,
            tolerance_ms=access.tolerance_ms,
        )
    return found, others


def load(path: Path) -> Config:
    """Read the configuration, with every kind of billing sink that is installed."""
    return load_config(path, sink_kinds())


@dataclass(slots=True, kw_only=True)
class Engine:
    """The steps of the flow, wired for one configuration."""

    config: Config
    clock: Clock
    observer: Observer
    reconciler: Reconciler
    repairer: Repairer
    exclusions: Exclusions
    alertmanager: Alertmanager | None
    renderer: JinjaRenderer
    source: PrometheusSource
    others: list[PrometheusSource]
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
        failed: Callable[[str, str], None] = uncounted,
    ) -> Engine:
        """Wire the adapters; other observations than the database's are for dry runs."""
        observations = observations or Observations(database)
        source, alertmanager = source_of(config), alertmanager_of(config)
        incidents, exclusions = Incidents(database), Exclusions(database)
        opinions, others = opinions_of(config, source, clock)
        renderer = renderer_of(config)
        return cls(
            config=config,
            clock=clock,
            source=source,
            others=others,
            alertmanager=alertmanager,
            renderer=renderer,
            exclusions=exclusions,
            repairer=Repairer(
                incidents=incidents,
                series=source,
                rules=rules_of(config),
                alertmanager=alertmanager,
                relabelling=config.relabelling,
                settle_after_ms=config.settle_after_ms,
            ),
            observer=Observer(
                source=source,
                store=observations,
                settle_after_ms=config.settle_after_ms,
                progress=progress,
                failed=failed,
            ),
            reconciler=Reconciler(
                observations=observations,
                incidents=incidents,
                exclusions=exclusions,
                settlements=Settlements(database),
                renderer=renderer,
                routes=routes_of(config),
                acknowledger=acknowledger_of(config, database),
                settle_after_ms=config.settle_after_ms,
                corroborator=Corroborator(sources=opinions, store=Opinions(database), clock=clock),
                claims=Claims(database),
                offers=offers_of(config, renderer),
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

    async def take_silences(self) -> int:
        """Keep what silences there are, before they vanish; say how many versions were new."""
        if self.alertmanager is None:
            return 0
        return await take_silences(self.alertmanager, self.exclusions, self.clock.now_ms())

    async def repair(self) -> int:
        """Mend incident windows and say how many."""
        return await self.repairer.repair(self.config.catalogue, self.clock.now_ms())

    async def read_late(self, due: Sequence[Due]) -> None:
        """Fill what was unknown in these periods with samples that arrived since."""
        for name in sorted({item.contract.service for item in due}):
            spans = [evidence_span(item.period) for item in due if item.contract.service == name]
            hull = Window(min(s.start_ms for s in spans), max(s.end_ms for s in spans))
            service = self.config.catalogue.services[name]
            await read_late(service, hull, self.source, self.observer.store)

    async def reconcile(self) -> int:
        """Settle what is due or was waiting for an opinion; note how the open periods stand."""
        now_ms = self.clock.now_ms()
        written = await self.reconciler.settle_due(self.config.catalogue, now_ms)
        written += await Hearing(reconciler=self.reconciler).hear(self.config.catalogue, now_ms)
        await keep_up(self.reconciler.settlements, self.config.catalogue, now_ms)
        await self.stand()
        return written

    async def stand(self) -> None:
        """Note how the open periods stand."""
        await self.reconciler.stand(self.config.catalogue, self.clock.now_ms(), self.outlooks)

    def close(self) -> None:
        """Give connections back."""
        for source in (self.source, *self.others):
            source.close()
