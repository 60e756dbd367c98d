"""The configuration in force: frozen, with every secret read and every path absolute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sla_exporter.core.brakes import CAREFUL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

    from sla_exporter.core.brakes import Brakes
    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.repairs import Relabelling
    from sla_exporter.ports.delivery import SinkSection


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusAccess:
    """How the server that holds the series is reached."""

    url: str
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    retention_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerAccess:
    """How Alertmanager is asked for silences and alerts."""

    url: str
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionAccess:
    """Where a service's second opinion comes from; without a ``url``, from our own Prometheus.

    ``monitors`` are named by the id of a contract or a customer.
    """

    kind: str
    tolerance_ms: int
    url: str | None
    timeout_s: float
    monitors: Mapping[str, str]
    series: str | None = None
    label: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAccess:
    """What a webhook request must present; anything goes if nothing is set."""

    bearer_token: str | None = field(default=None, repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    max_body: int
    max_rate: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAccess:
    """How the SMTP server is reached, and in whose name."""

    host: str
    port: int
    security: str
    username: str | None
    password: str | None = field(repr=False)
    sender: str
    reply_to: str | None
    per_hour: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingAccess:
    """A billing sink: its kind, and what that kind wants to know."""

    name: str
    kind: str
    section: SinkSection = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueImport:
    """A file of customers that is made of what a billing system says.

    ``products`` gives service and policy by the product's id there.
    """

    sink: str
    file: Path
    products: Mapping[str, tuple[str, str]]
    label: str | None
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageNotices:
    """After how much of an outage its customer is told, and how often at most."""

    after_ms: int
    pause_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSettings:
    """What customers are told, when and by which way, and where files go.

    Of many notices that are due together ``first`` go at once, and the others ``wait_ms`` later.
    """

    company: str
    statements: bool
    folder: Path
    templates: Path | None
    through: str | None = None
    gather_ms: int = 0
    outages: OutageNotices | None = None
    hold: bool = False
    first: int | None = None
    wait_ms: int = 0
    credit_note: bool = False
    credit_note_font: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAccess:
    """How links for customers are made: signed with the first key; old ones are still taken."""

    keys: tuple[str, ...] = field(default=(), repr=False)
    external_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often the jobs run, and how long a silent replica keeps them, in milliseconds."""

    observe_ms: int
    reconcile_ms: int
    deliver_ms: int
    silences_ms: int
    repair_ms: int
    lease_ms: int
    billing_ms: int = 86_400_000
    claims_ms: int = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything the operator said; ``shown`` is the file as it may be shown, secrets masked."""

    file: Path
    prometheus: PrometheusAccess
    alertmanager: AlertmanagerAccess | None
    relabelling: Relabelling
    opinions: Mapping[str, OpinionAccess]
    webhook: WebhookAccess
    database_url: str = field(repr=False)
    mail: MailAccess | None
    notices: NoticeSettings
    schedule: Schedule
    settle_after_ms: int
    per_contract_metrics: bool
    catalogue: Catalogue
    brakes: Brakes = CAREFUL
    evidence_key: str | None = field(default=None, repr=False)
    claims: ClaimAccess = ClaimAccess()
    billing: Mapping[str, BillingAccess] = field(default_factory=dict)
    catalogue_imports: tuple[CatalogueImport, ...] = ()
    allow_private: tuple[IPv4Network | IPv6Network, ...] = ()
    shown: str = field(default="", repr=False)
