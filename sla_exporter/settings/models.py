"""The configuration file, section by section.

The manual (README.md and docs/) describes every key; a test compares the two.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import BeforeValidator, Field, IPvAnyNetwork

from sla_exporter.core.alerts import EvidenceMode
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.reasoning import Duration
from sla_exporter.settings.brakes import BrakesModel
from sla_exporter.settings.config import Schedule
from sla_exporter.settings.connections import (
    AlertmanagerModel,
    CorroborateModel,
    DatabaseModel,
    MailModel,
    PrometheusModel,
)
from sla_exporter.settings.fees import FeesModel
from sla_exporter.settings.fields import (
    AddressList,
    Day,
    Interval,
    Length,
    MatcherList,
    MomentPhrase,
    Section,
    StretchPhrase,
    TextList,
    Zone,
    one_or_many,
)
from sla_exporter.settings.notices import NoticesModel
from sla_exporter.settings.policy import PolicyModel
from sla_exporter.settings.sli import SliSection


class ScheduleModel(Section):
    """How often the jobs run."""

    observe: Interval = Duration(5 * 60_000)
    reconcile: Interval = Duration(60 * 60_000)
    deliver: Interval = Duration(10_000)
    silences: Interval = Duration(60_000)
    repair: Interval = Duration(5 * 60_000)
    billing: Interval = Duration(24 * 3_600_000)
    claims: Interval = Duration(5 * 60_000)
    lease: Interval = Duration(15_000)

    def schedule(self) -> Schedule:
        """Give the schedule in milliseconds."""
        return Schedule(
            observe_ms=self.observe.ms,
            reconcile_ms=self.reconcile.ms,
            deliver_ms=self.deliver.ms,
            silences_ms=self.silences.ms,
            repair_ms=self.repair.ms,
            billing_ms=self.billing.ms,
            claims_ms=self.claims.ms,
            lease_ms=self.lease.ms,
        )


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
    email: AddressList = ()
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


class EvidenceModel(Section):
    """How evidence packs are signed."""

    key: str | None = None
    key_file: str | None = None


class ClaimsModel(Section):
    """How the links are signed with which customers claim credits."""

    key: str | None = None
    key_file: str | None = None
    old_key: str | None = None
    old_key_file: str | None = None


class WebModel(Section):
    """How others reach our web server."""

    external_url: str | None = None


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
    claims: ClaimsModel = ClaimsModel()
    web: WebModel = WebModel()
    outgoing: OutgoingModel = OutgoingModel()
    services: dict[str, ServiceModel]
    policies: dict[str, PolicyVersions] = Field(default_factory=dict)
    policy_files: TextList = ()
    customers: tuple[CustomerModel, ...] = ()
    customer_files: TextList = ()
    exclusions: tuple[ExclusionModel, ...] = ()
    maintenance: SilencedMaintenanceModel = SilencedMaintenanceModel()
