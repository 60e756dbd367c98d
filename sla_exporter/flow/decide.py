"""Decide: what a person says about credits that wait, kept with who, why and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sla_exporter.core.periods import utc_text
from sla_exporter.core.reasoning import step
from sla_exporter.core.settlement import State
from sla_exporter.errors import DecisionRefused
from sla_exporter.flow.posting import Draft, Poster
from sla_exporter.ports import silent
from sla_exporter.ports.settling import Decision, DecisionKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.money import Money
    from sla_exporter.core.settled import Settled
    from sla_exporter.ports import Progress
    from sla_exporter.ports.settling import SettlementStore

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who decides, and why; nobody decides without a name and a reason."""

    by: str
    reason: str

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.reason.strip():
            raise DecisionRefused("a decision needs the name of who makes it, and a reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """Releases, rejects and adjusts held credits."""

    settlements: SettlementStore
    poster: Poster
    progress: Progress = silent

    async def named(self, names: Sequence[str]) -> list[Settled]:
        """Give the held settlements that are meant by keys or by names of groups.

        Raises:
            DecisionRefused: if a name means nothing that is held.
        """
        known = {one.key: one for one in await self.settlements.find(names)}
        found = {key: one for key, one in known.items() if one.state is State.HELD}
        for one in await self.settlements.held(names):
            found[one.key] = one
        groups = {one.group for one in found.values()}
        for name in names:
            if name in known and name not in found:
                raise DecisionRefused(f"{name} is not held; it is {known[name].state.value}")
            if name not in found and name not in groups:
                raise DecisionRefused(f"nothing that is held is called {name}")
        return sorted(found.values(), key=lambda one: one.key)

    async def approve(
        self, held: Sequence[Settled], catalogue: Catalogue, verdict: Verdict, now_ms: int
    ) -> int:
        """Release credits: they are posted, or wait for their claim, and customers are told."""
        released = [(one, one.released) for one in held]
        return await self._carry_out(released, catalogue, DecisionKind.APPROVE, verdict, now_ms)

    async def reject(
        self, held: Sequence[Settled], catalogue: Catalogue, verdict: Verdict, now_ms: int
    ) -> int:
        """Let nothing come of credits; their reasoning stays."""
        rejected = [(one, replace(one, state=State.REJECTED)) for one in held]
        return await self._carry_out(rejected, catalogue, DecisionKind.REJECT, verdict, now_ms)

    async def adjust(
        self, held: Settled, credit: Money, catalogue: Catalogue, verdict: Verdict, now_ms: int
    ) -> int:
        """Release a credit with another amount."""
        if credit.currency != held.credit.currency or credit.minor < 0:
            raise DecisionRefused(
                f"the credit of {held.key} is an amount in {held.credit.currency}, not {credit}"
            )
        changed = step("adjusted", credit=credit, before=held.credit)
        adjusted = replace(held, credit=credit, steps=(*held.steps, changed)).released
        decided = [(held, adjusted)]
        return await self._carry_out(decided, catalogue, DecisionKind.ADJUST, verdict, now_ms)

    async def _carry_out(
        self,
        decided: Sequence[tuple[Settled, Settled]],
        catalogue: Catalogue,
        kind: DecisionKind,
        verdict: Verdict,
        now_ms: int,
    ) -> int:
        contracts = {contract.id: contract for contract in catalogue.contracts}
        await self._check([after for _, after in decided], set(contracts), now_ms)
        done = 0
        for start in range(0, len(decided), BATCH):
            drafts = [
                Draft(
                    settled=one,
                    was=before,
                    replaces=one.revision,
                    decision=Decision(
                        settlement=one.key,
                        revision=one.revision,
                        kind=kind,
                        by=verdict.by,
                        reason=verdict.reason,
                        credit=one.credit,
                        at_ms=now_ms,
                    ),
                )
                for before, one in decided[start : start + BATCH]
            ]
            done += await self.poster.post(drafts, contracts, now_ms)
            self.progress(kind.value, min(start + BATCH, len(decided)), len(decided))
        return done

    async def _check(self, settled: Sequence[Settled], contracts: set[str], now_ms: int) -> None:
        posted = [one for one in settled if one.state is not State.REJECTED]
        for one in posted:
            if one.state is State.WAITING and one.is_late_at(now_ms):
                raise DecisionRefused(
                    f"{one.key} had to be claimed before {utc_text(one.claim_until_ms or 0)}, and "
                    "nobody did; enter a claim with the day that it came on, or reject the credit"
                )
            if one.contract not in contracts:
                raise DecisionRefused(
                    f"contract {one.contract} is not in the configuration any more, so nobody "
                    "knows whom to tell; put it back, or reject the credit"
                )
        books = await self.settlements.books(posted)
        for one in posted:
            if books[one.key].takes_back(one):
                raise DecisionRefused(
                    f"{one.key} would take back what the customer was told; use "
                    "reconcile --again --take-back, which asks for two people"
                )
