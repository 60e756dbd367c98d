"""Reconcile: windows, incidents and policies become settlements, and what follows from them.

A settlement, its ledger entry, its notice and the orders to deliver both are one transaction, so
whatever dies, either all of it happened or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.due import Due, due_periods, evidence_span, open_periods
from sla_exporter.core.ledger import grant
from sla_exporter.core.settlement import Settlement, State, settle, settled_span
from sla_exporter.core.windows import Window, clip
from sla_exporter.flow.evidence import gather_evidence
from sla_exporter.ports import Order, Posting, Routes, silent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.ledger import Entry
    from sla_exporter.flow.evidence import ServiceEvidence
    from sla_exporter.ports import (
        IncidentStore,
        NoticeRenderer,
        ObservationStore,
        Progress,
        SettlementStore,
    )

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Settles periods; stateless but for its adapters."""

    observations: ObservationStore
    incidents: IncidentStore
    settlements: SettlementStore
    renderer: NoticeRenderer
    routes: Routes
    settle_after_ms: int
    progress: Progress = silent

    async def settle_due(self, catalogue: Catalogue, now_ms: int) -> int:
        """Settle every period that is due and say how many settlements were written."""
        latest = await self.settlements.latest()
        due = list(due_periods(catalogue, latest, now_ms, self.settle_after_ms))
        written = 0
        async for settled in self.compute(catalogue, due):
            written += await self.post(settled, now_ms)
        return written

    async def compute(
        self, catalogue: Catalogue, due: Sequence[Due], *, final: bool = True
    ) -> AsyncIterator[list[Settlement]]:
        """Settle without writing anything, in batches.

        Periods whose time has not been observed to the end are left out where ``final``; without it
        they are settled as if nothing more happened.
        """
        done = 0
        for name in sorted({item.contract.service for item in due}):
            items = [item for item in due if item.contract.service == name]
            evidence = await gather_evidence(
                catalogue=catalogue,
                service=catalogue.services[name],
                span=_hull(items),
                final=final,
                observations=self.observations,
                incidents=self.incidents,
            )
            for start in range(0, len(items), BATCH):
                batch = items[start : start + BATCH]
                if evidence:
                    found = (_settle(catalogue, item, evidence, final=final) for item in batch)
                    yield [settlement for settlement in found if settlement]
                done += len(batch)
                self.progress("settling", done, len(due))

    async def post(self, settlements: Sequence[Settlement], now_ms: int) -> int:
        """Write settlements with their entries, notices and orders; final ones stay as they are."""
        postings = [self._posting(settlement, now_ms) for settlement in settlements]
        return await self.settlements.post(postings, now_ms)

    async def stand(self, catalogue: Catalogue, now_ms: int) -> None:
        """Note how the open periods look as of now."""
        due = list(open_periods(catalogue, now_ms))
        found: list[Settlement] = []
        async for settlements in self.compute(catalogue, due, final=False):
            found.extend(settlements)
        await self.settlements.stand(found)

    def _posting(self, settlement: Settlement, now_ms: int) -> Posting:
        if settlement.state is not State.POSTED:
            return Posting(settlement=settlement)
        entry = grant(settlement, now_ms) if settlement.owes else None
        orders: list[Order] = []
        if entry:
            orders.append(self._credit_order(settlement, entry))
        notice = None
        if entry or self.routes.statements:
            notice = self.renderer.render(settlement, entry)
            sink = self.routes.notices
            orders.append(
                Order(key=f"{sink}/{notice.key}", sink=sink, kind="notice", about=notice.key)
            )
        return Posting(settlement=settlement, entry=entry, notice=notice, orders=tuple(orders))

    def _credit_order(self, settlement: Settlement, entry: Entry) -> Order:
        """Send money to the customer's billing system; what is not money waits for a person."""
        customer, sink = settlement.contract.customer, self.routes.credits
        if entry.amount.minor > 0:
            sink = self.routes.credit_sink(customer, entry.form)
        return Order(key=f"{sink}/{entry.key}", sink=sink, kind="credit", about=entry.key)


def _hull(items: Iterable[Due]) -> Window:
    spans = [evidence_span(item.period) for item in items]
    return Window(min(span.start_ms for span in spans), max(span.end_ms for span in spans))


def _settle(
    catalogue: Catalogue, item: Due, evidence: ServiceEvidence, *, final: bool
) -> Settlement | None:
    contract, period = item
    span = settled_span(contract, period)
    if span is None or (final and evidence.observed.end_ms < span.end_ms):
        return None
    if not clip((span,), evidence.observed):
        return None
    policy = catalogue.policy_of(contract, period.span.end_ms - 1)
    return settle(
        contract=contract,
        policy=policy,
        period=period,
        span=span,
        evidence=evidence.of(contract.id, span, by_incident=evidence_span(period) != period.span),
        mode=policy.mode or catalogue.mode,
    )
