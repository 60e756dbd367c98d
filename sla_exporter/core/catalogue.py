"""Who was promised what, and how it is measured: services, customers and contracts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sla_exporter.core.matchers import Matcher, all_match
from sla_exporter.core.periods import ms_of
from sla_exporter.core.quorum import ALL, Quorum
from sla_exporter.core.windows import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_exporter.core.money import Money
    from sla_exporter.core.policy.terms import Policy

FAR_FUTURE_MS = 253_402_300_799_000  # 9999-12-31T23:59:59Z


class Mode(StrEnum):
    """How far a credit may go by itself."""

    OBSERVE = "observe"
    REVIEW = "review"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How the uptime of one product is measured: 0/1 series picked by a PromQL selector.

    ``contract_label`` names the label whose value is the customer's id, or the contract's. Without
    an ``interval_ms`` it is inferred from the spacing of the samples.
    """

    name: str
    selector: str
    interval_ms: int | None = None
    max_gap_ms: int | None = None
    quorum: Quorum = ALL
    contract_label: str | None = None
    incident_matchers: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who gets the credit and the notice."""

    id: str
    name: str
    currency: str
    locale: str = "en"
    zone: str = "UTC"
    email: tuple[str, ...] = ()
    billing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One customer, one service, one policy; the fee is for one period."""

    id: str
    customer: Customer
    service: str
    policy: str
    fee: Money
    since: date
    until: date | None = None
    matchers: tuple[Matcher, ...] = ()

    def life(self, zone: str) -> Window:
        """When the contract ran, from local midnight to local midnight, its last day included."""
        start = datetime.combine(self.since, time(), ZoneInfo(zone))
        if self.until is None:
            return Window(ms_of(start), FAR_FUTURE_MS)
        last = datetime.combine(
            date.fromordinal(self.until.toordinal() + 1), time(), ZoneInfo(zone)
        )
        return Window(ms_of(start), ms_of(last))

    def owns(self, service: Service, labels: Mapping[str, str]) -> bool:
        """Say whether a series or an alert with these labels speaks of this contract."""
        if self.matchers:
            return all_match(self.matchers, labels)
        if service.contract_label is None:
            return False
        return labels.get(service.contract_label) in {self.id, self.customer.id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything the operator configured about promises, by name."""

    services: Mapping[str, Service]
    policies: Mapping[str, Policy]
    contracts: tuple[Contract, ...]
    mode: Mode = Mode.OBSERVE

    def zone_of(self, contract: Contract) -> str:
        """The zone of the contract's periods: the policy's, or else the customer's."""
        return self.policies[contract.policy].zone or contract.customer.zone

    def mode_of(self, contract: Contract) -> Mode:
        """The policy's mode, or else the one for all."""
        return self.policies[contract.policy].mode or self.mode

    def of_service(self, name: str) -> tuple[Contract, ...]:
        """The contracts measured by a service."""
        return tuple(contract for contract in self.contracts if contract.service == name)
