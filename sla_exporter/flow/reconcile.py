"""Reconcile: windows, incidents and policies become settlements, and what follows from them.

A settlement, its ledger entries, its notice and the orders to deliver them are one transaction, so
whatever dies, either all of it happened or none. Credits are written only once the whole run was
looked at, because some brakes see a fault only in all of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.brakes import CAREFUL, Brakes, Spending, Tally, brake, fleet_outage
from sla_exporter.core.claiming import can_be_claimed
from sla_exporter.core.due import Due, due_periods, evidence_span, open_periods
from sla_exporter.core.exposure import Outlooks
from sla_exporter.core.periods import utc_text
from sla_exporter.core.policy.terms import looks_back
from sla_exporter.core.records import CaseRecord
from sla_exporter.core.second_opinion import heard
from sla_exporter.core.settled import Settled
from sla_exporter.core.settlement import Settlement, State, settle, settled_span
from sla_exporter.core.windows import Window, clip
from sla_exporter.flow.evidence import gather_evidence
from sla_exporter.flow.offers import NO_OFFERS, Offers
from sla_exporter.flow.overlaps import Overlaps
from sla_exporter.flow.posting import Draft, Poster
from sla_exporter.ports import silent
from sla_exporter.ports.figures import Standing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.claims import StatedClaim
    from sla_exporter.core.money import Money
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.settlement import History
    from sla_exporter.core.windows import Windows
    from sla_exporter.flow.acknowledge import Acknowledger
    from sla_exporter.flow.corroborate import Corroborator
    from sla_exporter.flow.evidence import ServiceEvidence
    from sla_exporter.ports import Progress
    from sla_exporter.ports.claims import ClaimStore
    from sla_exporter.ports.evidence import ExclusionStore
    from sla_exporter.ports.incidents import IncidentStore
    from sla_exporter.ports.measuring import ObservationStore
    from sla_exporter.ports.settling import NoticeRenderer, Routes, SettlementStore

BATCH = 500


class Posted(NamedTuple):
    """A batch that was settled, and how many of it were written."""

    settlements: list[Settlement]
    written: int


@dataclass(slots=True)
class Fleet:
    """What the brake against fleet-wide outages must know of everybody."""

    outages: list[Windows] = field(default_factory=list)
    contracts: int = 0

    def add(self, evidence: ServiceEvidence, contracts: int) -> None:
        """Note the outages of all contracts of a service."""
        self.outages.extend(evidence.outages())
        self.contracts += contracts


@dataclass(slots=True, kw_only=True)
class Run:
    """What a run gathers for the brakes; fees are in minor units by currency."""

    fleet: Fleet = field(default_factory=Fleet)
    fees: Counter[str] = field(default_factory=Counter)
    given: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Settles periods; stateless but for its adapters."""

    observations: ObservationStore
    incidents: IncidentStore
    exclusions: ExclusionStore
    settlements: SettlementStore
    renderer: NoticeRenderer
    routes: Routes
    settle_after_ms: int
    corroborator: Corroborator | None = None
    acknowledger: Acknowledger | None = None
    claims: ClaimStore | None = None
    offers: Offers = NO_OFFERS
    brakes: Brakes = CAREFUL
    progress: Progress = silent

    @property
    def poster(self) -> Poster:
        """What writes settlements."""
        return Poster(
            settlements=self.settlements,
            renderer=self.renderer,
            routes=self.routes,
            offers=self.offers,
        )

    async def settle_due(self, catalogue: Catalogue, now_ms: int) -> int:
        """Settle every period that is due and say how many settlements were written."""
        latest = await self.settlements.latest()
        due = list(due_periods(catalogue, latest, now_ms, self.settle_after_ms))
        return sum([posted.written async for posted in self.settle(catalogue, due, now_ms)])

    async def settle(
        self, catalogue: Catalogue, due: Sequence[Due], now_ms: int
    ) -> AsyncIterator[Posted]:
        """Settle and write; what is final already stays as it is.

        A contract with several periods due is settled period by period: what one of them keeps is
        there for the next.
        """
        given, fees = Tally(), Counter[str]()
        overlaps = await Overlaps.among(self.settlements, catalogue, due)
        for items in in_rounds(due):
            run, moving = Run(given=given, fees=fees), list[Settlement]()
            async for batch in self.compute(catalogue, items, fleet=run.fleet):
                run.fees.update(fees_of(batch))
                moving.extend(overlaps.held(one) for one in batch if one.moves)
                yield await self._post([one for one in batch if not one.moves], now_ms)
            braked = await self.braked(catalogue, moving, run, now_ms)
            for start in range(0, len(braked), BATCH):
                yield await self._post(braked[start : start + BATCH], now_ms)

    async def rehearse(
        self, catalogue: Catalogue, due: Sequence[Due], now_ms: int, *, final: bool
    ) -> list[Settlement]:
        """Settle as :meth:`settle` would, without writing anything."""
        run, found = Run(), list[Settlement]()
        overlaps = await Overlaps.among(self.settlements, catalogue, due)
        async for batch in self.compute(catalogue, due, final=final, fleet=run.fleet):
            run.fees.update(fees_of(batch))
            found.extend(batch)
        moving = [overlaps.held(one) for one in found if one.moves]
        braked = {one.key: one for one in await self.braked(catalogue, moving, run, now_ms)}
        return [braked.get(one.key, one) for one in found]

    async def braked(
        self, catalogue: Catalogue, moving: Sequence[Settlement], run: Run, now_ms: int
    ) -> list[Settlement]:
        """Hold what must not go by itself."""
        if not moving:
            return []
        labels = sorted({one.period.label for one in moving})
        all_fees: Counter[str] = Counter()
        for contract in catalogue.contracts:
            fee = contract.fee_over(Window(now_ms, now_ms + 1), contract.customer.zone)
            all_fees[contract.fee.currency] += int(fee)
        spending = Spending(
            name=utc_text(now_ms),
            run=run.given,
            run_fees=run.fees,
            fees=all_fees,
            periods=await self.settlements.tallies(labels, [one.key for one in moving]),
        )
        outage = fleet_outage(run.fleet.outages, run.fleet.contracts, self.brakes)
        return brake(moving, self.brakes, outage, spending)

    async def compute(
        self,
        catalogue: Catalogue,
        due: Sequence[Due],
        *,
        final: bool = True,
        fleet: Fleet | None = None,
        carried: Mapping[str, Money | None] | None = None,
    ) -> AsyncIterator[list[Settlement]]:
        """Settle without writing anything, in batches.

        Periods whose time has not been observed to the end are left out where ``final``; without it
        they are settled as if nothing more happened. ``fleet`` is told of everybody's outages;
        ``carried`` is what came into periods that were settled before, by key.
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
                exclusions=self.exclusions,
            )
            if evidence and fleet:
                fleet.add(evidence, len(catalogue.of_service(name)))
            for start in range(0, len(items), BATCH):
                batch = items[start : start + BATCH]
                if evidence:
                    past = await self._histories(catalogue, batch, carried)
                    said = await self.claims.said([i.key for i in batch]) if self.claims else {}
                    found = (
                        _settle(catalogue, item, evidence, past[item.key], said, final=final)
                        for item in batch
                    )
                    settled = [settlement for settlement in found if settlement]
                    yield [await self._corroborated(s) if final else s for s in settled]
                done += len(batch)
                self.progress("settling", done, len(due))

    async def stand(
        self, catalogue: Catalogue, now_ms: int, outlooks: Outlooks | None = None
    ) -> None:
        """Note how the open periods look as of now, and how they may go on; tell of outages."""
        due = list(open_periods(catalogue, now_ms))
        fleet = Fleet() if self.acknowledger else None
        outlooks = outlooks or Outlooks()
        standings, hit = list[Standing](), list[Settlement]()
        async for settlements in self.compute(catalogue, due, final=False, fleet=fleet):
            standings.extend(Standing.of(one, outlooks.of(one)) for one in settlements)
            if fleet:
                hit.extend(one for one in settlements if one.evidence.state.down)
        if self.acknowledger and fleet:
            faults = fleet_outage(fleet.outages, fleet.contracts, self.brakes).windows
            await self.acknowledger.tell(hit, faults, now_ms)
        await self.settlements.stand(standings)
        outlooks.forget()

    async def _corroborated(self, settlement: Settlement) -> Settlement:
        """Ask for a second opinion where something is owed, and settle with it."""
        if self.corroborator is None or not settlement.owes:
            return settlement
        opinion = await self.corroborator.ask(settlement.contract, settlement.reach)
        return settlement if opinion is None else heard(settlement, opinion)

    async def _post(self, settlements: list[Settlement], now_ms: int) -> Posted:
        if not settlements:
            return Posted([], 0)
        contracts = {one.contract.id: one.contract for one in settlements}
        drafts = [draft_of(one) for one in settlements]
        return Posted(settlements, await self.poster.post(drafts, contracts, now_ms))

    async def _histories(
        self,
        catalogue: Catalogue,
        items: Sequence[Due],
        carried: Mapping[str, Money | None] | None,
    ) -> Mapping[str, History]:
        """Give what earlier periods hand on, by key of the settlement to come."""
        groups: dict[tuple[int, int | None], list[Due]] = defaultdict(list)
        for item in items:
            far = looks_back(_policy(catalogue, item))
            period = item.period
            reach = (period.step.start_ms, period.twelve_months_ms) if far else (0, None)
            groups[reach].append(item)
        found: dict[str, History] = {}
        for (before_ms, since), group in groups.items():
            contracts = [item.contract for item in group]
            past = await self.settlements.history(contracts, before_ms, since)
            found.update({item.key: past[item.contract.id] for item in group})
        if carried is None:
            return found
        return {key: replace(one, carried=carried[key]) for key, one in found.items()}


def draft_of(settlement: Settlement) -> Draft:
    """Give a settlement as it is kept.

    What moves or waits is kept with all that it came from, and so is what may still be claimed.
    """
    recorded = settlement.moves or settlement.state is State.HELD
    case = settlement.outcome.measured.case
    recorded = recorded or bool(case.outages and can_be_claimed(settlement.policy))
    return Draft(
        settled=Settled.of(settlement),
        record=CaseRecord.of(settlement) if recorded else None,
        claims=settlement.claims if settlement.state is not State.OBSERVED else (),
    )


def in_rounds(due: Iterable[Due]) -> list[list[Due]]:
    """Put the first due period of every contract into the first round, the second into the next."""
    rounds: list[list[Due]] = []
    seen: Counter[str] = Counter()
    for item in due:
        number = seen[item.contract.id]
        seen[item.contract.id] += 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(item)
    return rounds


def fees_of(settlements: Iterable[Settlement]) -> Counter[str]:
    """Add up fees in minor units, by currency."""
    found: Counter[str] = Counter()
    for one in settlements:
        fee = one.contract.fee_over(one.span, one.period.zone)
        found[one.contract.fee.currency] += int(fee)
    return found


def _hull(items: Iterable[Due]) -> Window:
    spans = [evidence_span(item.period) for item in items]
    return Window(min(span.start_ms for span in spans), max(span.end_ms for span in spans))


def _policy(catalogue: Catalogue, item: Due) -> Policy:
    return catalogue.policy_of(item.contract, item.period.span.end_ms - 1)


def _settle(
    catalogue: Catalogue,
    item: Due,
    evidence: ServiceEvidence,
    history: History,
    said: Mapping[str, Sequence[StatedClaim]],
    *,
    final: bool,
) -> Settlement | None:
    contract, period = item
    span = settled_span(contract, period)
    if span is None or (final and evidence.observed.end_ms < span.end_ms):
        return None
    if not clip((span,), evidence.observed):
        return None
    policy = _policy(catalogue, item)
    life = contract.life(period.zone) if evidence_span(period) != period.span else None
    return settle(
        contract=contract,
        policy=policy,
        period=period,
        span=span,
        evidence=evidence.of(contract.id, span, life=life),
        mode=policy.mode or catalogue.mode,
        history=history,
        claims=said.get(item.key, ()),
    )
