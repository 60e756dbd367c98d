"""Upkeep: what happens to the ledger by the passing of time alone.

Credits expire, and what was carried for a contract that ended goes to the contract that follows it,
or is forfeited, once nothing of the contract waits any more. An expiry has the key of its grant,
and what is closed leaves the balance with it, so doing it twice is doing it once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sla_exporter.core.ledger import closing, expiry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sla_exporter.core.catalogue import Catalogue, Contract
    from sla_exporter.core.ledger import Entry
    from sla_exporter.ports.settling import Carried, SettlementStore


async def keep_up(settlements: SettlementStore, catalogue: Catalogue, now_ms: int) -> int:
    """Write what time brought about, and say how many entries that were."""
    contracts = {contract.id: contract for contract in catalogue.contracts}

    def entries_for(
        expired: Sequence[tuple[Entry, int]], carried: Sequence[Carried]
    ) -> list[Entry]:
        ended = [expiry(entry, minor, now_ms) for entry, minor in expired]
        closed = (entry for one in carried for entry in _closing(one, contracts, now_ms))
        return [*ended, *closed]

    return await settlements.keep_up(now_ms, entries_for)


def _closing(carried: Carried, contracts: dict[str, Contract], now_ms: int) -> Iterator[Entry]:
    last = carried.latest
    contract = contracts.get(last.contract)
    if contract is None or contract.until is None:
        return
    if contract.life(last.zone).end_ms > last.span.end_ms:
        return
    heir = _heir(contract, contracts)
    yield from closing(last, carried.minor, heir, now_ms)


def _heir(contract: Contract, contracts: dict[str, Contract]) -> str | None:
    """Give the contract that follows on one that ended: a change of plan."""
    if contract.until is None:
        return None
    following = contract.until + timedelta(days=1)
    for other in contracts.values():
        same = (other.customer.id, other.service) == (contract.customer.id, contract.service)
        if same and other.since == following and other.fee.currency == contract.fee.currency:
            return other.id
    return None
