"""The stage: a Prometheus with history, an Alertmanager, a prober, and our service, wired up."""

from __future__ import annotations

import secrets
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sla_exporter.core.periods import Period, datetime_of
from sla_exporter.core.windows import Window
from sla_exporter.demo.cast import CAST, DAY_MS, HARBOR, POLICIES, Part
from sla_exporter.demo.history import ProbeSeries, openmetrics_name, write_blocks
from sla_exporter.demo.servers import (
    Server,
    alertmanager,
    blackbox,
    free_port,
    prometheus,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

INTERVAL_MS = 60_000
ALERT = "SiteDown"


@dataclass(slots=True, kw_only=True)
class Stage:
    """Builds everything in a folder and starts it; leaving it stops all that was started."""

    folder: Path
    site_port: int
    now_ms: int
    tell: Callable[[str], None]
    month: Period = field(init=False)
    prometheus: Server = field(init=False)
    alertmanager: Server = field(init=False)
    service: Server = field(init=False)
    _running: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.month = Period.containing(self.now_ms, "UTC").previous

    @property
    def config_file(self) -> Path:
        """The configuration of our service."""
        return self.folder / "sla-exporter.yml"

    @property
    def outbox(self) -> Path:
        """Where notices and credits end up."""
        return self.folder / "outbox"

    def raise_curtain(self) -> None:
        """Write the history and start all servers."""
        self.tell(f"writing the history of {len(CAST)} customers since {self.month.label}")
        write_blocks(self.history(), self.folder / "data", self.tell)
        self.tell("starting blackbox exporter, Alertmanager and Prometheus")
        service_port = free_port()
        token = self.folder / "webhook.token"
        token.write_text(secrets.token_urlsafe(24))
        prober = self._running.enter_context(blackbox(self.folder))
        self.alertmanager = self._running.enter_context(
            alertmanager(self.folder, self._alertmanager_config(service_port, token))
        )
        self.prometheus = self._running.enter_context(
            prometheus(self.folder, self._prometheus_config(prober, service_port))
        )
        write_json(self.config_file, self._config(token))
        self.tell("starting sla-exporter")
        self.service = self._running.enter_context(self._service(service_port))

    def drop_curtain(self) -> None:
        """Stop everything, in the opposite order."""
        self._running.close()

    def _service(self, port: int) -> Server:
        command = [
            sys.executable, "-m", "sla_exporter", "serve",
            f"--config.file={self.config_file}", f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip
        return Server("sla-exporter", command, self.folder, port, "/-/ready")

    def history(self) -> Iterable[tuple[str, Iterable[tuple[int, float]]]]:
        """Give every customer's series, from before the month until now."""
        # From a day before the month, for zones ahead of UTC, to just before the servers start.
        start_ms = self.month.span.start_ms - DAY_MS
        end_ms = self.now_ms // INTERVAL_MS * INTERVAL_MS
        for part in CAST:
            labels = {"customer": part.id, "instance": f"https://{part.id}.example/", "job": "web"}
            series = ProbeSeries(
                labels=labels,
                span=Window(start_ms, end_ms),
                interval_ms=INTERVAL_MS,
                down=part.windows(self.month, "down"),
                missing=part.windows(self.month, "missing"),
            )
            yield openmetrics_name("probe_success", labels), series.samples()

    def _prometheus_config(self, prober: Server, service_port: int) -> dict[str, Any]:
        rule = {
            "alert": ALERT,
            "expr": 'probe_success{job="live"} == 0',
            "for": "2s",
            "labels": {"severity": "page"},
            "annotations": {"summary": "{{ $labels.instance }} is down"},
        }
        write_json(self.folder / "rules.yml", {"groups": [{"name": "live", "rules": [rule]}]})
        site = f"http://127.0.0.1:{self.site_port}/"
        return {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [_address(self.alertmanager)]}]}]
            },
            "scrape_configs": [
                {
                    "job_name": "live",
                    "metrics_path": "/probe",
                    "params": {"module": ["http"]},
                    "static_configs": [{"targets": [site], "labels": {"customer": HARBOR.id}}],
                    "relabel_configs": [
                        {"source_labels": ["__address__"], "target_label": "__param_target"},
                        {"source_labels": ["__param_target"], "target_label": "instance"},
                        {"target_label": "__address__", "replacement": _address(prober)},
                    ],
                },
                {
                    "job_name": "sla-exporter",
                    "scrape_interval": "5s",
                    "static_configs": [{"targets": [f"127.0.0.1:{service_port}"]}],
                },
            ],
        }

    def _alertmanager_config(self, service_port: int, token: Path) -> dict[str, Any]:
        url = f"http://127.0.0.1:{service_port}/api/v1/alerts/webhook"
        authorization = {"type": "Bearer", "credentials_file": str(token)}
        webhook = {"url": url, "http_config": {"authorization": authorization}}
        return {
            "route": {
                "receiver": "sla-exporter",
                "group_by": ["..."],
                "group_wait": "1s",
                "group_interval": "2s",
            },
            "receivers": [{"name": "sla-exporter", "webhook_configs": [webhook]}],
        }

    def _config(self, token: Path) -> dict[str, Any]:
        return {
            "prometheus": {"url": self.prometheus.url},
            "alertmanager": {"webhook": {"bearer_token_file": str(token)}},
            "notices": {"company": "Example Hosting", "folder": str(self.outbox)},
            "mode": "automatic",
            "settle_after": "0s",
            "schedule": {"observe": "5s", "reconcile": "5s", "deliver": "1s"},
            "services": {
                "web": {
                    "sli": {"probe": 'probe_success{job="web"}', "interval": "60s"},
                    "contract_label": "customer",
                },
                "live": {
                    "sli": {"probe": 'probe_success{job="live"}', "interval": "1s"},
                    "contract_label": "customer",
                    "incidents": {"matchers": [f'alertname="{ALERT}"']},
                },
            },
            "policies": POLICIES,
            "customers": self.customers(),
        }

    def customers(self) -> list[dict[str, Any]]:
        """Give the cast, and the customer whose site goes down live, as the configuration does."""
        return [
            *(self._customer(part, "web") for part in CAST),
            self._customer(HARBOR, "live", since_ms=self.now_ms),
        ]

    def _customer(self, part: Part, service: str, since_ms: int | None = None) -> dict[str, Any]:
        first_ms = self.month.span.start_ms - 365 * DAY_MS
        if part.since_day:
            first_ms = self.month.span.start_ms + (part.since_day - 1) * DAY_MS
        contract = {
            "service": service,
            "policy": part.policy,
            "fee": part.fee,
            "since": datetime_of(since_ms or first_ms).date().isoformat(),
        }
        return {
            "id": part.id,
            "name": part.name,
            "currency": part.currency,
            "locale": part.locale,
            "zone": part.zone,
            "email": f"{part.id}@customers.example",
            "contracts": [contract],
        }


def _address(server: Server) -> str:
    return f"127.0.0.1:{server.port}"
