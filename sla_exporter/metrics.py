"""``/metrics``: what this process counted, and what the database says at the moment of the scrape.

Names follow Prometheus' habits: base units, ``_total`` on counters, money in major units with the
currency as a label. Counters of money are read from the ledger, so a restart never resets them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics
from prometheus_client import Counter as CounterMetric
from prometheus_client.aiohttp import make_aiohttp_handler
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sla_exporter import __version__
from sla_exporter.core.claims import ClaimResult
from sla_exporter.core.money import Money
from sla_exporter.errors import StoreUnavailable
from sla_exporter.ports.delivery import DifferenceKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aiohttp import web
    from prometheus_client.core import Metric

    from sla_exporter.ports.figures import Figures, FigureStore, Standing

WEBHOOK_RESULTS = (
    *((status, result) for status in ("firing", "resolved") for result in ("stored", "not_stored")),
    *(
        ("unknown", result)
        for result in ("unauthorized", "rate_limited", "too_large", "malformed", "truncated")
    ),
)
CONTRACT_LABELS = ("contract", "customer", "service")


class ProcessMetrics:
    """What this process counts itself."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> CounterMetric:
            return CounterMetric(name, text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self.registry)

        self.webhook_alerts = counter(
            "sla_webhook_alerts_total", "Alerts received by webhook.", "status", "result"
        )
        self.deliveries = counter(
            "sla_deliveries_total", "Tries to deliver, by verdict.", "sink", "verdict"
        )
        self.runs = counter("sla_job_runs_total", "Runs of the scheduled jobs.", "job", "result")
        self.lease_held = gauge(
            "sla_lease_held", "Whether this replica holds the lease and runs the jobs."
        )
        self.prometheus_requests = counter(
            "sla_prometheus_requests_total", "Requests made to Prometheus."
        )
        self.observe_failures = counter(
            "sla_observe_failures_total",
            "Times that a service could not be observed.",
            "service",
            "reason",
        )
        self.reconcile_success = gauge(
            "sla_reconcile_last_success_timestamp_seconds",
            "When reconciling last went through without an error.",
        )
        self.reconcile_duration = gauge(
            "sla_reconcile_duration_seconds", "How long the last reconciliation took."
        )
        self.config_successful = gauge(
            "sla_config_last_reload_successful", "Whether the last reload of the file succeeded."
        )
        self.config_success = gauge(
            "sla_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was loaded.",
        )
        self.config_failures = counter(
            "sla_config_reload_failures_total", "Reloads that failed and left the old one in force."
        )
        self.store_errors = counter(
            "sla_store_errors_total", "Scrapes of /metrics that could not read the database."
        )
        for status, result in WEBHOOK_RESULTS:
            # From zero on: to Prometheus, a counter that first appears at one has not increased.
            self.webhook_alerts.labels(status, result)
        build = gauge("sla_build_info", "Always 1; the version is a label.", "version")
        build.labels(__version__).set(1)

    def count_alerts(self, status: str, result: str, alerts: int = 1, /) -> None:
        """Count alerts that a webhook told of."""
        self.webhook_alerts.labels(status, result).inc(alerts)


class FigureCollector(Collector):
    """Turns one snapshot of the database into metric families."""

    def __init__(self, figures: Figures, *, per_contract: bool) -> None:
        self._figures = figures
        self._per_contract = per_contract

    def collect(self) -> Iterator[Metric]:
        """Give all families; each is there even when it has no samples."""
        figures = self._figures
        yield from _issued(figures)
        yield _gauge(
            "sla_credits_held",
            "Credits that wait for a person.",
            ("currency", "reason"),
            {key: _major(minor, key[0]) for key, minor in figures.held.items()},
        )
        yield _counter(
            "sla_credits_reversed",
            "Credits taken back because a corrected one followed, or two people said so.",
            ("currency", "policy", "form"),
            {key: -_major(minor, key[0]) for key, (minor, _) in figures.reversed.items()},
        )
        yield _gauge(
            "sla_credits_carried",
            "Amounts under a minimum that are kept for the next credit.",
            ("currency",),
            {(currency,): _major(minor, currency) for currency, minor in figures.carried.items()},
        )
        yield from _exposure(figures.standings)
        yield _counter(
            "sla_breaches",
            "Settled periods in which the promise was broken.",
            ("policy", "service"),
            figures.breaches,
        )
        yield _gauge(
            "sla_breaches_without_credit",
            "Broken promises that were settled and moved no credit.",
            ("policy", "service"),
            figures.unpaid_breaches,
        )
        yield _by_sink("sla_deliveries_pending", "Orders that wait.", figures.pending)
        yield _by_sink("sla_deliveries_parked", "Orders that were given up.", figures.parked)
        yield _gauge(
            "sla_incident_windows_open", "Alerts still firing.", (), {(): figures.open_incidents}
        )
        yield _gauge(
            "sla_observed_until_timestamp_seconds",
            "How far the samples of a service were read.",
            ("service",),
            {(service,): ms / 1000 for service, ms in figures.observed_until_ms.items()},
        )
        yield from _notices(figures)
        yield from _billing(figures)
        yield from _claims(figures)
        if self._per_contract:
            yield from _standings(figures.standings)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsHandler:
    """Answers scrapes."""

    process: ProcessMetrics
    figures: FigureStore
    per_contract: Callable[[], bool]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Give all metrics; without the database, those of the process, so that it is seen."""
        registry = CollectorRegistry()
        registry.register(self.process.registry)
        try:
            figures = await self.figures.figures()
        except StoreUnavailable:
            self.process.store_errors.inc()
        else:
            registry.register(FigureCollector(figures, per_contract=self.per_contract()))
        return await make_aiohttp_handler(registry)(request)


def _issued(figures: Figures) -> Iterator[Metric]:
    labels = ("currency", "policy", "form")
    yield _counter(
        "sla_credits_issued",
        "Credits issued, in major units of the currency.",
        labels,
        {key: _major(minor, key[0]) for key, (minor, _) in figures.issued.items()},
    )
    yield _counter(
        "sla_credits_issued_count",
        "Credits issued, counted.",
        labels,
        {key: count for key, (_, count) in figures.issued.items()},
    )


def _notices(figures: Figures) -> Iterator[Metric]:
    yield _gauge(
        "sla_notices_held", "Notices that a person holds back.", (), {(): figures.notices_held}
    )
    yield _gauge(
        "sla_notices_stopped",
        "Whether a person stopped the sending of notices.",
        (),
        {(): int(figures.notices_stopped)},
    )
    yield _by_sink(
        "sla_notices_staged",
        "Notices that are due and wait until the first few were looked at.",
        figures.notices_staged,
    )


def _billing(figures: Figures) -> Iterator[Metric]:
    none = {(sink, kind.value): 0 for sink in figures.billing_checked_ms for kind in DifferenceKind}
    yield _gauge(
        "sla_billing_differences",
        "Credits about which a billing system and the ledger disagree.",
        ("sink", "kind"),
        none | dict(figures.billing_differences),
    )
    yield _gauge(
        "sla_billing_checked_timestamp_seconds",
        "When a billing system was last compared with the ledger.",
        ("sink",),
        {(sink,): at_ms / 1000 for sink, at_ms in figures.billing_checked_ms.items()},
    )


def _claims(figures: Figures) -> Iterator[Metric]:
    yield _counter(
        "sla_claims",
        "Claims of customers, by what came of them.",
        ("result",),
        {(result.value,): figures.claims.get(result, 0) for result in ClaimResult},
    )
    yield _gauge(
        "sla_claims_waiting",
        "What customers were told that they can claim, and have not claimed yet.",
        ("currency",),
        {(currency,): _major(minor, currency) for currency, minor in figures.waiting.items()},
    )


def _exposure(standings: Iterable[Standing]) -> Iterator[Metric]:
    now: Counter[tuple[str, str]] = Counter()
    per_hour: Counter[tuple[str, str]] = Counter()
    for standing in standings:
        now[standing.currency, standing.policy] += standing.credit_minor
        per_hour[standing.currency, standing.policy] += standing.per_hour_minor
    yield _gauge(
        "sla_credit_exposure",
        "What the open periods would cost as of now.",
        ("currency", "policy"),
        {key: _major(minor, key[0]) for key, minor in now.items()},
    )
    yield _gauge(
        "sla_outage_cost_per_minute",
        "What running outages add to the exposure a minute, over the next hour.",
        ("currency", "policy"),
        {key: _major(minor, key[0]) / 60 for key, minor in per_hour.items()},
    )


def _standings(standings: Iterable[Standing]) -> Iterator[Metric]:
    found = [((s.contract, s.customer, s.service), s) for s in standings]
    yield _gauge(
        "sla_availability_ratio",
        "Availability in the open period so far.",
        CONTRACT_LABELS,
        {key: float(Fraction(s.ratio)) for key, s in found if s.ratio},
    )
    yield _gauge(
        "sla_objective_ratio",
        "The availability that is promised.",
        CONTRACT_LABELS,
        {key: float(Fraction(s.objective)) for key, s in found if s.objective},
    )
    yield _gauge(
        "sla_downtime_seconds",
        "Downtime in the open period so far.",
        CONTRACT_LABELS,
        {key: s.down_ms / 1000 for key, s in found},
    )
    yield _gauge(
        "sla_contract_down",
        "Whether the contract was down when it was last looked at.",
        CONTRACT_LABELS,
        {key: int(s.is_down) for key, s in found},
    )
    yield _gauge(
        "sla_contract_exposure",
        "What the open period of the contract would cost as of now.",
        (*CONTRACT_LABELS, "currency"),
        {(*key, s.currency): _major(s.credit_minor, s.currency) for key, s in found},
    )
    yield _gauge(
        "sla_next_credit_seconds",
        "How much more downtime it takes until the credit rises.",
        CONTRACT_LABELS,
        {key: s.next_after_ms / 1000 for key, s in found if s.next_after_ms is not None},
    )
    yield _gauge(
        "sla_next_credit",
        "What the credit rises to then.",
        (*CONTRACT_LABELS, "currency"),
        {
            (*key, s.currency): _major(s.next_credit_minor, s.currency)
            for key, s in found
            if s.next_credit_minor is not None
        },
    )
    yield _gauge(
        "sla_unknown_seconds",
        "Time without measurements in the open period so far.",
        CONTRACT_LABELS,
        {key: s.unknown_ms / 1000 for key, s in found},
    )
    yield _gauge(
        "sla_vantage_disagreement_seconds",
        "Time in the open period in which vantage points were down without their quorum.",
        CONTRACT_LABELS,
        {key: s.disagreement_ms / 1000 for key, s in found},
    )


def _major(minor: int, currency: str) -> float:
    return float(Money(minor=minor, currency=currency).amount)


def _by_sink(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    return _gauge(name, text, ("sink",), {(sink,): count for sink, count in counts.items()})


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
