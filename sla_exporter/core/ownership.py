"""Which contracts a series speaks of, found without comparing every series with every contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sla_exporter.core.catalogue import Contract, Service


class Ownership:
    """The contracts of one service, indexed by the label values that they ask for."""

    def __init__(self, service: Service, contracts: Iterable[Contract]) -> None:
        self._service = service
        self._by_value: dict[str, dict[str, list[Contract]]] = {}
        self._others: list[Contract] = []
        for contract in contracts:
            self._add(contract)

    def owners(self, labels: Mapping[str, str]) -> list[Contract]:
        """Give the contracts that a series or an alert with these labels speaks of."""
        candidates = list(self._others)
        for label, by_value in self._by_value.items():
            candidates.extend(by_value.get(labels.get(label, ""), ()))
        return [contract for contract in candidates if contract.owns(self._service, labels)]

    def _add(self, contract: Contract) -> None:
        exact = [m for m in contract.matchers if m.operator == "=" and m.value]
        if exact:
            self._note(exact[0].label, exact[0].value, contract)
        elif contract.matchers:
            self._others.append(contract)
        elif self._service.contract_label:
            for value in {contract.id, contract.customer.id}:
                self._note(self._service.contract_label, value, contract)

    def _note(self, label: str, value: str, contract: Contract) -> None:
        self._by_value.setdefault(label, {}).setdefault(value, []).append(contract)
