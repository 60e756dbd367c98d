"""Sync: what a billing system says becomes a file of customers, so that fees are typed once.

What was in the file stays true for the past: a fee that changed becomes a price change from today
on, and a service that ended gets its last day, so that its last month is settled too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sla_exporter.core.texts import is_mail_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from sla_exporter.ports.catalogue import BilledClient, BilledService

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What a product of the billing system is here."""

    service: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRule:
    """How services become contracts.

    With a ``label``, the series whose label has the value of ``place`` are a contract's own;
    without one, the service's ``contract_label`` names the contract.
    """

    sink: str
    products: Mapping[str, Product]
    label: str | None = None
    place: str = "domain"


@dataclass(slots=True, kw_only=True)
class Syncer:
    """Makes the customers of a file, and says what changed or could not be taken over."""

    rule: SyncRule
    today: date
    remarks: list[str] = field(default_factory=list)

    def customers(
        self,
        before: Sequence[Plain],
        services: Iterable[BilledService],
        clients: Mapping[str, BilledClient],
    ) -> list[Plain]:
        """Give the customers with their contracts, by the file as it was."""
        known = {one["id"]: (customer, one) for customer in before for one in customer["contracts"]}
        contracts: dict[str, list[Plain]] = {}
        seen: set[str] = set()
        for service in sorted(services, key=lambda service: service.id):
            key = f"{self.rule.sink}-{service.id}"
            seen.add(key)
            contract = self._contract(key, service, known.get(key, ({}, None))[1])
            if contract:
                contracts.setdefault(service.client, []).append(contract)
        found = {c: self._customer(clients[c], listed) for c, listed in contracts.items()}
        for key in sorted(known.keys() - seen):
            customer, contract = known[key]
            client = str(customer["billing"][self.rule.sink])
            kept = found.setdefault(client, {**customer, "contracts": []})
            kept["contracts"].append(self._ended(contract))
        return [found[client] for client in sorted(found)]

    def _customer(self, client: BilledClient, contracts: list[Plain]) -> Plain:
        customer: Plain = {
            "id": f"{self.rule.sink}-{client.id}",
            "name": client.name,
            "currency": client.currency,
            "billing": {self.rule.sink: client.id},
        }
        if client.locale:
            customer["locale"] = client.locale
        if is_mail_address(client.email):
            customer["email"] = client.email
        elif client.email:
            said = f"{client.email!r} is not an e-mail address, so no notice can be mailed"
            self.remarks.append(f"{customer['id']}: {said}")
        return customer | {"contracts": contracts}

    def _contract(self, key: str, service: BilledService, before: Plain | None) -> Plain | None:
        if not service.is_active:
            return self._ended(before) if before else None
        fee = monthly(service)
        if fee is None or service.since is None:
            self.remarks.append(f"{key}: {_why_not(service)}; write this contract by hand")
            return before
        product = self.rule.products[service.product]
        contract: Plain = {
            "id": key,
            "service": product.service,
            "policy": product.policy,
            "fee": str(fee),
            "since": service.since.isoformat(),
        }
        if self.rule.label:
            contract["matchers"] = self._matcher(key, service)
        return self._changed(contract, before, fee) if before else contract

    def _matcher(self, key: str, service: BilledService) -> str:
        value = service.places.get(self.rule.place, "")
        if not value:
            self.remarks.append(f"{key}: it has no {self.rule.place}, so no series is its own")
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.rule.label}="{quoted}"'

    def _changed(self, contract: Plain, before: Plain, fee: Decimal) -> Plain:
        """Keep the first fee and all changes; add one if the fee is another now."""
        changes = list(before.get("price_changes", ()))
        last = Decimal(changes[-1]["fee"] if changes else before["fee"])
        if last != fee:
            self.remarks.append(f"{contract['id']}: the fee is {fee} from {self.today} on")
            changes = [one for one in changes if one["since"] != self.today.isoformat()]
            changes.append({"since": self.today.isoformat(), "fee": str(fee)})
        kept = contract | {"fee": before["fee"], "since": before["since"]}
        return kept | {"price_changes": changes} if changes else kept

    def _ended(self, before: Plain) -> Plain:
        if "until" in before:
            return before
        self.remarks.append(f"{before['id']}: its last day is {self.today}")
        return before | {"until": self.today.isoformat()}


def monthly(service: BilledService) -> Decimal | None:
    """Give the fee of a month, if it is one to the cent."""
    if service.months is None:
        return None
    cents = service.recurring.scaleb(2)
    if cents <= 0 or cents % service.months:
        return None
    return (cents / service.months).scaleb(-2).quantize(Decimal("0.01"))


def _why_not(service: BilledService) -> str:
    if service.since is None:
        return "it has no day on which it began"
    return f"{service.recurring} {service.cycle} is no fee of a month to the cent"
