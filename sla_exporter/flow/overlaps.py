"""Overlaps: time that may have been paid for already, under other periods or another name.

A contract that is moved to a policy with other periods would have some days in two of them; one
that is given another name begins with its last closed period, which was settled under the old one.
Which of it is right cannot be known, so a person decides.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sla_exporter.core.reasoning import Moment, step
from sla_exporter.core.settlement import Hold, State
from sla_exporter.core.windows import intersect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.due import Due
    from sla_exporter.core.settled import Settled
    from sla_exporter.core.settlement import Settlement
    from sla_exporter.ports.settling import SettlementStore


@dataclass(frozen=True, slots=True)
class Overlaps:
    """What was settled before.

    ``ends`` is where the latest settlement of each contract ends; ``former`` what was settled for
    contracts that are no more, by customer and service.
    """

    ends: Mapping[str, int] = field(default_factory=dict)
    former: Mapping[tuple[str, str], Sequence[Settled]] = field(default_factory=dict)

    @classmethod
    async def among(
        cls, store: SettlementStore, catalogue: Catalogue, due: Sequence[Due]
    ) -> Overlaps:
        """Look up what was settled before of the contracts that are due."""
        if not due:
            return cls()
        latest = await store.latest()
        new = [item for item in due if item.contract.id not in latest]
        former: dict[tuple[str, str], list[Settled]] = defaultdict(list)
        if new and latest:
            known = {contract.id for contract in catalogue.contracts}
            customers = sorted({item.contract.customer.id for item in new})
            after_ms = min(item.period.span.start_ms for item in new)
            for one in await store.of_customers(customers, after_ms):
                if one.contract not in known:
                    former[one.customer, one.service].append(one)
        return cls({contract: end_ms for contract, (end_ms, _) in latest.items()}, former)

    def held(self, settlement: Settlement) -> Settlement:
        """Hold what may have been paid for already."""
        if settlement.state is State.OBSERVED or not settlement.moves:
            return settlement
        contract, zone = settlement.contract, settlement.period.zone
        begin_ms, end_ms = settlement.period.step
        last_ms = self.ends.get(contract.id, begin_ms)
        if begin_ms < last_ms < end_ms:
            reason = step("hold_overlap", end=Moment(last_ms, zone))
            return settlement.held_for(Hold.REVIEW, reason)
        for one in self.former.get((contract.customer.id, contract.service), ()):
            if intersect((settlement.span,), (one.span,)):
                return settlement.held_for(Hold.REVIEW, step("hold_renamed", other=one.key))
        return settlement
