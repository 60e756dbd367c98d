"""Claim: a customer asks for a credit, by link, API or command line.

An accepted claim, the ledger entries that it sets free, the notice and the orders are one
transaction, which finds the settlement as it was looked at or writes nothing. Every claim is kept,
whatever came of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sla_exporter.core.claiming import ALREADY_MADE, nothing_kept, rule
from sla_exporter.core.claims import ClaimResult, JudgedClaim
from sla_exporter.core.records import read_case, to_plain
from sla_exporter.core.settlement import State
from sla_exporter.errors import DecisionRefused, UnknownName
from sla_exporter.flow.posting import Draft
from sla_exporter.ports.claims import Kept, Telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from sla_exporter.core.catalogue import Catalogue, Contract
    from sla_exporter.core.claiming import Ruling
    from sla_exporter.core.claims import StatedClaim
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.records import CaseRecord
    from sla_exporter.core.settled import Settled
    from sla_exporter.flow.posting import Poster
    from sla_exporter.ports.claims import ClaimStore

_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDesk:
    """Takes claims; ``read_policy`` reads the policy that a settlement was computed by."""

    claims: ClaimStore
    poster: Poster
    read_policy: Callable[[CaseRecord], Policy]

    async def claim(self, catalogue: Catalogue, stated: StatedClaim, now_ms: int) -> JudgedClaim:
        """Take a claim and say what came of it; the same one twice is a duplicate.

        Raises:
            UnknownName: if there is no such contract, or no such period of it.
            DecisionRefused: if the claim cannot be taken at all.
        """
        contract = _contract(catalogue, stated)
        _check_times(stated, now_ms)
        for _ in range(_TRIES):
            found = await self.poster.settlements.find([stated.settlement])
            if found and found[0].contract != contract.id:
                raise UnknownName(f"{stated.settlement} is no settlement of {contract.id}")
            if found and found[0].state is not State.OBSERVED:
                judged = await self._of_settled(found[0], contract, stated, now_ms)
            else:
                _check_period(catalogue, contract, stated, now_ms)
                judged = await self._early(stated, now_ms)
            if judged:
                return judged
        raise DecisionRefused(f"{stated.settlement} is being changed by somebody else; try again")

    async def catch_up(self, catalogue: Catalogue, now_ms: int) -> int:
        """Judge early claims that came while their period was being settled; say how many."""
        contracts = {contract.id: contract for contract in catalogue.contracts}
        left = [one for one in await self.claims.left_over() if one.contract in contracts]
        found = await self.poster.settlements.find(sorted({one.settlement for one in left}))
        settled = {one.key: one for one in found}
        done = 0
        for stated in left:
            latest, contract = settled[stated.settlement], contracts[stated.contract]
            done += bool(await self._of_settled(latest, contract, stated, now_ms))
        return done

    async def _early(self, stated: StatedClaim, now_ms: int) -> JudgedClaim | None:
        early = JudgedClaim(stated=stated, result=ClaimResult.EARLY)
        match await self.claims.keep_early(early, now_ms):
            case Kept.NOW:
                return early
            case Kept.BEFORE:
                twice = replace(early, result=ClaimResult.DUPLICATE, reasons=(ALREADY_MADE,))
                await self.claims.keep(twice, None, now_ms)
                return twice
            case Kept.TOO_LATE:
                return None

    async def _of_settled(
        self, settled: Settled, contract: Contract, stated: StatedClaim, now_ms: int
    ) -> JudgedClaim | None:
        """Rule on a claim and write what follows; nothing if the settlement moved meanwhile."""
        record = await self.claims.record(settled.key, settled.revision)
        if record is None:
            ruling = nothing_kept(settled, stated)
        else:
            ruling = rule(settled, self.read_policy(record), read_case(record.case), stated)
        if record is None or ruling.settled is None:
            telling = self._refusal(settled, contract, ruling.judged)
            await self.claims.keep(ruling.judged, telling, now_ms)
            return ruling.judged
        draft = _draft(settled, record, ruling, ruling.settled)
        written = await self.poster.post([draft], {contract.id: contract}, now_ms)
        return ruling.judged if written else None

    def _refusal(self, settled: Settled, contract: Contract, judged: JudgedClaim) -> Telling | None:
        """Tell a customer who was late; all else is told to whoever entered the claim."""
        notices, customer = self.poster.offers.notices, contract.customer
        if judged.result is not ClaimResult.LATE or notices is None or not customer.email:
            return None
        notice = notices.refusal(settled, customer, judged.reasons)
        orders = (self.poster.routes.notice_order(notice),)
        return Telling(settled=settled, notice=notice, orders=orders)


def _draft(settled: Settled, record: CaseRecord, ruling: Ruling, freed: Settled) -> Draft:
    return Draft(
        settled=freed,
        was=settled,
        replaces=settled.revision,
        record=replace(record, case=to_plain(ruling.case)),
        claims=(ruling.judged,),
    )


def _contract(catalogue: Catalogue, stated: StatedClaim) -> Contract:
    for contract in catalogue.contracts:
        if contract.id == stated.contract:
            return contract
    raise UnknownName(f"there is no contract {stated.contract} in the configuration")


def _check_times(stated: StatedClaim, now_ms: int) -> None:
    if stated.received_at_ms > now_ms or (stated.ticket_at_ms or 0) > now_ms:
        raise DecisionRefused("a claim cannot have come in the future, nor can its ticket")
    if stated.window and stated.window.start_ms > stated.received_at_ms:
        raise DecisionRefused("a claim cannot speak of an outage that began after it came")


def _check_period(
    catalogue: Catalogue, contract: Contract, stated: StatedClaim, now_ms: int
) -> None:
    """Refuse what is neither the running period nor the one before it, nor holds the times."""
    running = catalogue.period_at(contract, now_ms)
    periods = [running, catalogue.period_before(contract, running)]
    if stated.window:
        periods.append(catalogue.period_at(contract, stated.window.start_ms))
    if stated.settlement not in {f"{contract.id}/{period.label}" for period in periods}:
        raise UnknownName(f"there is no settlement {stated.settlement}, nor will there be one soon")
