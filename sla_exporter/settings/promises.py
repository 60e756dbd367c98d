"""From models to the catalogue: services, policies and contracts, with their references checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel import Locale, UnknownLocaleError

from sla_exporter.core.alerts import AlertRules, EvidenceMode
from sla_exporter.core.catalogue import Catalogue, Contract, Customer, Service, torn_periods
from sla_exporter.core.currencies import MINOR_UNIT_DIGITS
from sla_exporter.core.policy.flaws import currencies
from sla_exporter.core.sli.probe import Probe
from sla_exporter.settings.billing import EVERYTHING
from sla_exporter.settings.fees import FeeReader
from sla_exporter.settings.policies import read_policies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.problems import Place, Problem
    from sla_exporter.settings.document import Document, Key
    from sla_exporter.settings.models import (
        ConfigFile,
        ContractModel,
        CustomerModel,
        PolicyVersions,
        ServiceModel,
    )


class PromiseBuilder:
    """Collects contracts from any number of files, and the problems in them."""

    def __init__(self, model: ConfigFile, document: Document) -> None:
        self.problems: list[Problem] = []
        self._mode = model.mode
        self._sinks = [*model.billing, EVERYTHING]
        self._services = {
            name: self._service(name, service, document) for name, service in model.services.items()
        }
        self._policies: dict[str, tuple[Policy, ...]] = {}
        self._customers: dict[str, Place] = {}
        self._contracts: dict[str, Contract] = {}
        self._places: dict[str, Place] = {}

    def add_policies(self, models: Mapping[str, PolicyVersions], document: Document) -> None:
        """Take the policies of a file; a name may stand in one file only."""
        for name, versions in models.items():
            if name in self._policies:
                first = self._places[f"policy {name}"]
                message = f"policy {name!r} is also at {first}"
                self._note(document, ("policies", name), message)
                continue
            self._places[f"policy {name}"] = document.place(("policies", name))
            found, problems = read_policies(name, versions, document)
            self._policies[name] = found
            self.problems.extend(problems)

    def catalogue(self) -> Catalogue:
        """Give what was collected."""
        return Catalogue(
            services=self._services,
            policies=self._policies,
            contracts=tuple(self._contracts.values()),
            mode=self._mode,
        )

    def place_of(self, customer: str) -> Place:
        """Say where a customer stands."""
        return self._customers[customer]

    def add(self, model: CustomerModel, document: Document, at: Sequence[Key]) -> None:
        """Take a customer with all contracts, or note why not."""
        if model.id in self._customers:
            first = self._customers[model.id]
            self._note(document, (*at, "id"), f"customer {model.id!r} is also at {first}")
            return
        self._customers[model.id] = document.place((*at, "id"))
        if model.currency not in MINOR_UNIT_DIGITS:
            message = f"currency: {model.currency!r} is not an ISO 4217 currency code"
            self._note(document, (*at, "currency"), message)
            return
        try:
            Locale.parse(model.locale, sep="-" if "-" in model.locale else "_")
        except (UnknownLocaleError, ValueError):
            message = f"locale: {model.locale!r} is not a locale; write it as in en or pt_BR"
            self._note(document, (*at, "locale"), message)
        self._check_sinks(model, document, (*at, "billing"))
        customer = Customer(
            id=model.id,
            name=model.name,
            currency=model.currency,
            locale=model.locale.replace("-", "_"),
            zone=model.zone,
            email=model.email,
            billing=model.billing,
        )
        for index, contract in enumerate(model.contracts):
            self._add_contract(customer, contract, document, (*at, "contracts", index))

    def _check_sinks(self, model: CustomerModel, document: Document, at: Sequence[Key]) -> None:
        """Refuse names that no sink has: such credits would become files in silence."""
        for name in model.billing:
            if name not in self._sinks:
                there = ", ".join(self._sinks)
                message = f"there is no billing sink {name!r}; there are: {there}"
                self._note(document, (*at, name), message)

    def _add_contract(
        self, customer: Customer, model: ContractModel, document: Document, at: Sequence[Key]
    ) -> None:
        known = len(self.problems)
        self._check_name("service", model.service, self._services, document, at)
        self._check_name("policy", model.policy, self._policies, document, at)
        fees = FeeReader(customer.currency, document, self.problems).read(model, at)
        if model.until and model.until < model.since:
            self._note(document, (*at, "until"), "until: the contract ends before it begins")
        if len(self.problems) > known or fees is None:
            return
        self._check_owner(model, document, at)
        self._check_currency(customer, model, document, at)
        contract = Contract(
            id=model.id or f"{customer.id}-{model.service}",
            customer=customer,
            service=model.service,
            policy=model.policy,
            fee=fees.fee,
            since=model.since,
            until=model.until,
            matchers=model.matchers,
            amounts=fees.amounts,
            parts=fees.parts,
            price_changes=fees.price_changes,
        )
        self._check_periods(contract, document, at)
        if contract.id in self._contracts:
            message = (
                f"contract {contract.id!r} is also at {self._places[contract.id]}; "
                "give one of them an id of its own"
            )
            self._note(document, at, message)
        self._contracts[contract.id] = contract
        self._places[contract.id] = document.place(at)

    def _check_name(
        self,
        kind: str,
        name: str,
        known: Mapping[str, object],
        document: Document,
        at: Sequence[Key],
    ) -> None:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            self._note(document, (*at, kind), f"there is no {kind} {name!r}; there are: {there}")

    def _check_owner(self, model: ContractModel, document: Document, at: Sequence[Key]) -> None:
        if not model.matchers and self._services[model.service].contract_label is None:
            message = (
                f"service {model.service!r} has no contract_label, so this contract needs matchers "
                "that say which series are its own"
            )
            self._note(document, at, message)

    def _check_currency(
        self, customer: Customer, model: ContractModel, document: Document, at: Sequence[Key]
    ) -> None:
        for policy in self._policies[model.policy]:
            for currency in sorted(currencies(policy) - {customer.currency}):
                message = (
                    f"policy {model.policy!r} names amounts in {currency}, "
                    f"but the customer pays in {customer.currency}"
                )
                self._note(document, (*at, "policy"), message)

    def _check_periods(self, contract: Contract, document: Document, at: Sequence[Key]) -> None:
        for day in torn_periods(self._policies[contract.policy], contract):
            message = (
                f"policy {contract.policy!r} counts by other periods from {day} on, in the middle "
                "of one of this contract; let that version take effect where one ends"
            )
            self._note(document, (*at, "policy"), message)

    def _service(self, name: str, model: ServiceModel, document: Document) -> Service:
        try:
            sli = model.sli.build(model.contract_label)
        except ValueError as error:
            key = str(error).partition(":")[0]
            self._note(document, ("services", name, "sli", key), str(error))
            sli = Probe(selector="")
        return Service(
            name=name,
            sli=sli,
            quorum=model.sli.majority,
            affected=model.affected,
            contract_label=model.contract_label,
            incident_matchers=model.incidents.matchers if model.incidents else (),
            alerts=self._alerts(name, model, document),
        )

    def _alerts(self, name: str, model: ServiceModel, document: Document) -> AlertRules:
        if model.incidents is None:
            if model.evidence is not EvidenceMode.METRICS:
                message = f"evidence: {model.evidence.value} needs incidents.matchers"
                self._note(document, ("services", name, "evidence"), message)
            return AlertRules(evidence=model.evidence)
        return AlertRules(
            evidence=model.evidence,
            lag_ms=model.incidents.for_offset.ms,
            tolerance_ms=model.incidents.tolerance.ms,
        )

    def _note(self, document: Document, at: Sequence[Key], message: str) -> None:
        self.problems.append(document.problem(at, message))
