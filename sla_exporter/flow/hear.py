"""Hear: what was held because there was no second opinion goes on once there is one.

The opinion is asked for first, and only where it can be had the period is settled anew. Nothing but
the opinion may make a difference by that: where the figure is another one by now, or the time to
claim it is over, it stays with the person whom it waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.due import Due
from sla_exporter.core.settlement import Hold
from sla_exporter.flow.again import Fate, Request, Reviser
from sla_exporter.flow.decide import Verdict

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Catalogue, Contract
    from sla_exporter.core.settled import Settled
    from sla_exporter.flow.corroborate import Corroborator
    from sla_exporter.flow.reconcile import Reconciler

_REQUEST = Request(
    verdict=Verdict(by="sla-exporter", reason="the second opinion that was missing is there"),
    only_opinions=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Asks again for opinions that were missing; stateless but for its adapters."""

    reconciler: Reconciler

    async def hear(self, catalogue: Catalogue, now_ms: int) -> int:
        """Ask again, and say how many settlements were written by what was said."""
        corroborator = self.reconciler.corroborator
        if corroborator is None or not corroborator.sources:
            return 0
        waiting = [
            one
            for one in await self.reconciler.settlements.held()
            if Hold.UNCONFIRMED in one.holds and not (one.wants_claim and one.is_late_at(now_ms))
        ]
        contracts = {contract.id: contract for contract in catalogue.contracts if waiting}
        due = [
            item
            for one in waiting
            if (item := _due(catalogue, contracts.get(one.contract), one))
            and await _is_there(corroborator, item, one)
        ]
        if not due:
            return 0
        reviews = await Reviser(reconciler=self.reconciler).revise(catalogue, due, _REQUEST, now_ms)
        return sum(one.fate in {Fate.CHANGED, Fate.HELD} for one in reviews)


def _due(catalogue: Catalogue, contract: Contract | None, settled: Settled) -> Due | None:
    """Give what was settled, if the configuration still has it."""
    if contract is None:
        return None
    due = Due(contract, catalogue.period_at(contract, settled.span.start_ms))
    return due if due.key == settled.key else None


async def _is_there(corroborator: Corroborator, due: Due, settled: Settled) -> bool:
    opinion = await corroborator.ask(due.contract, settled.reach)
    return opinion is not None and opinion.state is not None
