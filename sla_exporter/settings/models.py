"""The configuration file, section by section.

The manual (README.md and docs/) describes every key; a test compares the two.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import BeforeValidator, Field, IPvAnyNetwork, model_validator

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.quorum import ALL
from sla_exporter.core.reasoning import Duration
from sla_exporter.settings.fees import FeesModel
from sla_exporter.settings.fields import (
    Day,
    Length,
    Majority,
    MatcherList,
    Section,
    Size,
    TextList,
    Zone,
    one_or_many,
)
from sla_exporter.settings.policy import PolicyModel


class BasicAuth(Section):
    """User name and password."""

    username: str
    password: str | None = None
    password_file: str | None = None


class PrometheusModel(Section):
    """The server that holds the series."""

    url: str = Field(pattern=r"^https?://[^\s]+$")
    timeout: Length = Duration(120_000)
    headers: dict[str, str] = Field(default_factory=dict)
    basic_auth: BasicAuth | None = None
    bearer_token: str | None = None
    bearer_token_file: str | None = None


class WebhookModel(Section):
    """What Alertmanager must present, and how much it may send at once."""

    bearer_token: str | None = None
    bearer_token_file: str | None = None
    basic_auth: BasicAuth | None = None
    max_body: Size = 32 * 1024**2
    max_rate: int = Field(default=500, ge=1)


class AlertmanagerModel(Section):
    """The Alertmanager that sends us webhooks."""

    webhook: WebhookModel = WebhookModel()


class DatabaseModel(Section):
    """Where everything is kept: a file, or a server's URL."""

    path: str | None = None
    url: str | None = None
    url_file: str | None = None

    @model_validator(mode="after")
    def _only_one(self) -> DatabaseModel:
        if self.path and (self.url or self.url_file):
            raise ValueError("give either path or url, not both")
        return self


class MailModel(Section):
    """The SMTP server that takes notices."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = None
    password_file: str | None = None
    sender: str = Field(alias="from")
    reply_to: str | None = None
    per_hour: int | None = Field(default=None, ge=1)


class NoticesModel(Section):
    """What customers are told, and where files go when no mail is configured."""

    company: str = "Your provider"
    statements: bool = True
    folder: str = "outbox"
    templates: str | None = None


class ScheduleModel(Section):
    """How often the jobs run."""

    observe: Length = Duration(5 * 60_000)
    reconcile: Length = Duration(60 * 60_000)
    deliver: Length = Duration(10_000)
    billing: Length = Duration(24 * 3_600_000)
    lease: Length = Duration(15_000)


class OutgoingModel(Section):
    """Which private addresses billing systems and other receivers may have."""

    allow_private: Annotated[tuple[IPvAnyNetwork, ...], BeforeValidator(one_or_many)] = ()


class MetricsModel(Section):
    """What is exported."""

    per_contract: bool = True


def _versions(value: object) -> object:
    return [value] if isinstance(value, dict) else value


PolicyVersions = Annotated[tuple[PolicyModel, ...], BeforeValidator(_versions), Len(min_length=1)]


class SliModel(Section):
    """The 0/1 series that say whether the service is up."""

    probe: str
    interval: Length | None = None
    max_gap: Length | None = None
    quorum: Majority = ALL


class IncidentsModel(Section):
    """Which alerts speak of the service."""

    matchers: MatcherList


class ServiceModel(Section):
    """How one product is measured."""

    sli: SliModel
    contract_label: str | None = None
    incidents: IncidentsModel | None = None


class ContractModel(FeesModel):
    """One customer, one service, one policy."""

    service: str
    policy: str
    since: Day
    until: Day | None = None
    id: str | None = None
    matchers: MatcherList = ()


class CustomerModel(Section):
    """Who gets the credit and the notice."""

    id: str = Field(min_length=1)
    name: str
    currency: str
    locale: str = "en"
    zone: Zone = "UTC"
    email: TextList = ()
    billing: dict[str, str] = Field(default_factory=dict)
    contracts: tuple[ContractModel, ...] = ()


class ProductModel(Section):
    """What a product of the billing system is here."""

    service: str
    policy: str


class SeriesModel(Section):
    """Which series are a service's own: those whose label names the place that it runs at."""

    label: str
    place: Literal["domain", "dedicatedip", "serverhostname"] = "domain"


class ImportModel(Section):
    """Customers taken over from a billing system."""

    file: str
    products: dict[str, ProductModel]
    series: SeriesModel | None = None


class PoliciesFile(Section):
    """A further file with policies."""

    policies: dict[str, PolicyVersions]


class CustomersFile(Section):
    """A further file with customers."""

    customers: tuple[CustomerModel, ...]


class ConfigFile(Section):
    """The whole file."""

    prometheus: PrometheusModel
    alertmanager: AlertmanagerModel = AlertmanagerModel()
    database: DatabaseModel = DatabaseModel()
    mail: MailModel | None = None
    billing: dict[str, dict[str, Any]] = Field(default_factory=dict)
    catalogue: dict[str, ImportModel] = Field(default_factory=dict)
    notices: NoticesModel = NoticesModel()
    mode: Mode = Mode.OBSERVE
    settle_after: Length = Duration(48 * 3_600_000)
    schedule: ScheduleModel = ScheduleModel()
    metrics: MetricsModel = MetricsModel()
    outgoing: OutgoingModel = OutgoingModel()
    services: dict[str, ServiceModel]
    policies: dict[str, PolicyVersions] = Field(default_factory=dict)
    policy_files: TextList = ()
    customers: tuple[CustomerModel, ...] = ()
    customer_files: TextList = ()
