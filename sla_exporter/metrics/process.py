"""What this process counts itself."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

from sla_exporter import __version__

WEBHOOK_RESULTS = (
    *((status, result) for status in ("firing", "resolved") for result in ("stored", "not_stored")),
    *(
        ("unknown", result)
        for result in (
            "unauthorized",
            "rate_limited",
            "too_large",
            "malformed",
            "truncated",
            "not_stored",
        )
    ),
)


class ProcessMetrics:
    """What this process counts itself."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

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
