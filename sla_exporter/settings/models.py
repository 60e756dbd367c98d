"""The configuration file, section by section.

The manual (README.md and docs/) describes every key; a test compares the two.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import BeforeValidator, Field, IPvAnyNetwork, model_validator

from sla_exporter.core.alerts import EvidenceMode
from sla_exporter.core.brakes import CAREFUL, Brakes, Budget
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.reasoning import Duration
from sla_exporter.settings.fees import FeesModel
from sla_exporter.settings.fields import (
    Count,
    Day,
    Length,
    MatcherList,
    MomentPhrase,
    Percent,
    Section,
    Size,
    StretchPhrase,
    SumList,
    TextList,
    Zone,
    one_or_many,
)
from sla_exporter.settings.policy import PolicyModel
from sla_exporter.settings.sli import SliSection


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
    tenant: str | None = None
    retention: Length | None = None
    basic_auth: BasicAuth | None = None
    bearer_token: str | None = None
    bearer_token_file: str | None = None
    external_labels: dict[str, str] = Field(default_factory=dict)


class WebhookModel(Section):
    """What Alertmanager must present, and how much it may send at once."""

    bearer_token: str | None = None
    bearer_token_file: str | None = None
    basic_auth: BasicAuth | None = None
    max_body: Size = 32 * 1024**2
    max_rate: int = Field(default=500, ge=1)


class AlertmanagerModel(Section):
    """The Alertmanager that sends us webhooks, and that we ask for silences and alerts."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    timeout: Length = Duration(30_000)
    headers: dict[str, str] = Field(default_factory=dict)
    basic_auth: BasicAuth | None = None
    bearer_token: str | None = None
    bearer_token_file: str | None = None
    dropped_labels: TextList = ()
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
    silences: Length = Duration(60_000)
    repair: Length = Duration(5 * 60_000)
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


class IncidentsModel(Section):
    """Which alerts speak of the service."""

    matchers: MatcherList
    for_offset: Length = Duration(0)
    tolerance: Length = Duration(5 * 60_000)


class MonitorModel(Section):
    """Where somebody else's monitors are; their names by the id of a contract or a customer."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    timeout: Length = Duration(30_000)
    headers: dict[str, str] = Field(default_factory=dict)
    basic_auth: BasicAuth | None = None
    bearer_token: str | None = None
    bearer_token_file: str | None = None
    series: str | None = None
    label: str | None = None
    monitors: dict[str, str] = Field(default_factory=dict)


class CorroborateModel(Section):
    """Somebody else who watches the same; exactly one."""

    pingdom: MonitorModel | None = None
    uptime_kuma: MonitorModel | None = None
    uptimerobot: MonitorModel | None = None
    prometheus: MonitorModel | None = None
    tolerance: Length = Duration(5 * 60_000)

    @property
    def given(self) -> list[tuple[str, MonitorModel]]:
        """The kinds that are given."""
        kinds = ("pingdom", "uptime_kuma", "uptimerobot", "prometheus")
        return [(kind, model) for kind in kinds if (model := getattr(self, kind))]

    @model_validator(mode="after")
    def _exactly_one(self) -> CorroborateModel:
        if len(self.given) != 1:
            raise ValueError("give exactly one of pingdom, uptime_kuma, uptimerobot, prometheus")
        return self


class ServiceModel(Section):
    """How one product is measured."""

    sli: SliSection
    contract_label: str | None = None
    affected: str | None = None
    incidents: IncidentsModel | None = None
    evidence: EvidenceMode = EvidenceMode.METRICS
    corroborate: CorroborateModel | None = None


class ExclusionModel(Section):
    """A window that is not to count."""

    service: str | None = None
    contract: str | None = None
    matchers: MatcherList = ()
    window: StretchPhrase
    zone: Zone = "UTC"
    kind: ExclusionKind = ExclusionKind.MAINTENANCE
    why: str = Field(min_length=1)
    announced: MomentPhrase | None = None


class SilencedMaintenanceModel(Section):
    """Which of Alertmanager's silences are maintenance."""

    silences: MatcherList = ()


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


class BudgetModel(Section):
    """The most that may be given without a person."""

    credits: Count | None = None
    total: SumList = ()
    share_of_fees: Percent | None = None

    def budget(self) -> Budget:
        """Give the core's budget."""
        return Budget(count=self.credits, sums=self.total, share=self.share_of_fees)


class RunBudgetModel(BudgetModel):
    """The most that one run may give."""

    share_of_fees: Percent | None = CAREFUL.run.share


class PeriodBudgetModel(BudgetModel):
    """The most that may be given for one period."""

    share_of_fees: Percent | None = CAREFUL.period.share


class BrakesModel(Section):
    """When credits wait for a person."""

    outage: Percent = CAREFUL.outage
    at_least: Count = CAREFUL.at_least
    run: RunBudgetModel = RunBudgetModel()
    period: PeriodBudgetModel = PeriodBudgetModel()
    max_credit: SumList = ()
    max_share_of_fee: Percent | None = CAREFUL.most_of_fee

    def brakes(self) -> Brakes:
        """Give the core's brakes."""
        return Brakes(
            outage=self.outage,
            at_least=self.at_least,
            run=self.run.budget(),
            period=self.period.budget(),
            most=self.max_credit,
            most_of_fee=self.max_share_of_fee,
        )


class EvidenceModel(Section):
    """How evidence packs are signed."""

    key: str | None = None
    key_file: str | None = None


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
    brakes: BrakesModel = BrakesModel()
    evidence: EvidenceModel = EvidenceModel()
    outgoing: OutgoingModel = OutgoingModel()
    services: dict[str, ServiceModel]
    policies: dict[str, PolicyVersions] = Field(default_factory=dict)
    policy_files: TextList = ()
    customers: tuple[CustomerModel, ...] = ()
    customer_files: TextList = ()
    exclusions: tuple[ExclusionModel, ...] = ()
    maintenance: SilencedMaintenanceModel = SilencedMaintenanceModel()
