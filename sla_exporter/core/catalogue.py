"""Who was promised what, and how it is measured: services, customers and contracts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from sla_exporter.core.alerts import AlertRules
from sla_exporter.core.matchers import Matcher, all_match
from sla_exporter.core.periods import midnight_ms
from sla_exporter.core.quorum import ALL, Quorum
from sla_exporter.core.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sla_exporter.core.exclusions import StatedExclusion
    from sla_exporter.core.money import Money
    from sla_exporter.core.periods import Period
    from sla_exporter.core.policy.pay import Base
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.sli.kinds import Sli

FAR_FUTURE_MS = 253_402_300_799_000  # 9999-12-31T23:59:59Z


class Mode(StrEnum):
    """How far a credit may go by itself."""

    OBSERVE = "observe"
    REVIEW = "review"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How the uptime of one product is measured.

    ``contract_label`` names the label whose value is the customer's id, or the contract's.
    ``affected`` is PromQL that says, between 0 and 1, which share of its users an outage hits.
    """

    name: str
    sli: Sli
    quorum: Quorum = ALL
    affected: str | None = None
    contract_label: str | None = None
    incident_matchers: tuple[Matcher, ...] = ()
    alerts: AlertRules = AlertRules()

    @property
    def selector(self) -> str:
        """The PromQL that is measured."""
        return self.sli.selector

    @property
    def interval_ms(self) -> int | None:
        """The resolution, if it is stated."""
        return self.sli.interval_ms

    @property
    def max_gap_ms(self) -> int | None:
        """How long a sample may stand for what follows it, if it is stated."""
        return self.sli.max_gap_ms


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
    """One customer, one service, one policy; the fee is for one period.

    ``amounts`` are other amounts that a policy may take shares of, ``parts`` those parts of the fee
    that it may leave out, and ``price_changes`` the fees that came into force on later days.
    """

    id: str
    customer: Customer
    service: str
    policy: str
    fee: Money
    since: date
    until: date | None = None
    matchers: tuple[Matcher, ...] = ()
    amounts: Mapping[Base, Money] = field(default_factory=dict)
    parts: Mapping[str, Money] = field(default_factory=dict)
    price_changes: tuple[tuple[date, Money], ...] = ()

    def life(self, zone: str) -> Window:
        """When the contract ran, from local midnight to local midnight, its last day included."""
        start_ms = midnight_ms(self.since, zone)
        if self.until is None:
            return Window(start_ms, FAR_FUTURE_MS)
        return Window(start_ms, midnight_ms(self.until + timedelta(days=1), zone))

    def fee_over(self, span: Window, zone: str) -> Fraction:
        """Give the fee in minor units; each fee of the span counts for its part of the time."""
        changes = [(midnight_ms(day, zone), fee) for day, fee in self.price_changes]
        changes.sort(key=lambda change: change[0])
        inside = [(at_ms, fee) for at_ms, fee in changes if span.start_ms < at_ms < span.end_ms]
        fee = self.fee
        for at_ms, changed in changes:
            fee = changed if at_ms <= span.start_ms else fee
        if not inside:
            return Fraction(fee.minor)
        total, since_ms = 0, span.start_ms
        for at_ms, changed in inside:
            total += fee.minor * (at_ms - since_ms)
            fee, since_ms = changed, at_ms
        total += fee.minor * (span.end_ms - since_ms)
        return Fraction(total, span.length_ms)

    def owns(self, service: Service, labels: Mapping[str, str]) -> bool:
        """Say whether a series or an alert with these labels speaks of this contract."""
        if self.matchers:
            return all_match(self.matchers, labels)
        if service.contract_label is None:
            return False
        return labels.get(service.contract_label) in {self.id, self.customer.id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Everything the operator configured about promises, by name.

    ``exclusions`` are those that stand in the configuration; ``maintenance_silences`` says which of
    Alertmanager's silences are maintenance.
    """

    services: Mapping[str, Service]
    policies: Mapping[str, tuple[Policy, ...]]
    contracts: tuple[Contract, ...]
    mode: Mode = Mode.OBSERVE
    exclusions: tuple[StatedExclusion, ...] = ()
    maintenance_silences: tuple[Matcher, ...] = ()

    def policy_of(self, contract: Contract, at_ms: int) -> Policy:
        """The version of a contract's policy in force at a moment; the first one before any is."""
        versions = self.policies[contract.policy]
        zone = contract.customer.zone
        return max(
            (v for v in versions if _begins_ms(v, zone) <= at_ms),
            key=lambda v: _begins_ms(v, zone),
            default=versions[0],
        )

    def period_at(self, contract: Contract, at_ms: int) -> Period:
        """The period of a contract that a moment lies in, by the policy in force then."""
        rule = self.policy_of(contract, at_ms).period
        return rule.containing(at_ms, rule.zone or contract.customer.zone, contract.since)

    def period_before(self, contract: Contract, period: Period) -> Period:
        """The period before one; by the rule in force then, where that cut time otherwise."""
        before = self.period_at(contract, period.step.start_ms - 1)
        return period.previous if before.rule.is_as_long_as(period.rule) else before

    def knows(self, name: str) -> bool:
        """Say whether there is a contract or a customer of that id."""
        return any(name in {contract.id, contract.customer.id} for contract in self.contracts)

    def of_service(self, name: str) -> tuple[Contract, ...]:
        """The contracts measured by a service."""
        return tuple(contract for contract in self.contracts if contract.service == name)


def _begins_ms(policy: Policy, zone: str) -> int:
    return midnight_ms(policy.effective_from, zone) if policy.effective_from else 0


def torn_periods(versions: Sequence[Policy], contract: Contract) -> Iterator[date]:
    """Give the days on which a version of a policy tears a period of its contract apart.

    A version with other periods must take effect where a period of the old kind ends and one of the
    new begins: else some days were in two periods, or in none.
    """
    dated = sorted(versions, key=lambda one: one.effective_from or date.min)
    for old, new in pairwise(dated):
        day = new.effective_from
        if day is None or old.period.is_as_long_as(new.period):
            continue
        if day <= contract.since or (contract.until and contract.until < day):
            continue
        if not all(rule.begins_on(day, contract.since) for rule in (old.period, new.period)):
            yield day
