"""Again: a period that is final is settled anew, because new facts came in.

Late samples, an exclusion that was entered late, an incident that was none, a contract that was
wrong. What the customer gains is posted as the reversal of the old grant and a new one. What they
would lose stays with them, unless two different people ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.money import Money
from sla_exporter.core.reasoning import step
from sla_exporter.core.second_opinion import heard_anew
from sla_exporter.core.settled import Settled, computed
from sla_exporter.core.settlement import Hold, State
from sla_exporter.flow.reconcile import BATCH, Run, draft_of, fees_of, in_rounds
from sla_exporter.ports.settling import Decision, DecisionKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.due import Due
    from sla_exporter.core.ledger import Books
    from sla_exporter.core.settlement import Settlement
    from sla_exporter.flow.decide import Verdict
    from sla_exporter.flow.posting import Draft
    from sla_exporter.flow.reconcile import Reconciler


class Fate(StrEnum):
    """What became of a period that was settled anew."""

    SAME = "unchanged"
    REASONS = "same credit, other reasons"
    CHANGED = "settled anew"
    HELD = "held for a person"
    LEFT = "left with the customer"
    ASKED = "waits for a second person"
    TAKEN = "taken back"
    OFFERED = "not written: it would be held, and the offer stands"
    OVERTAKEN = "changed by somebody else meanwhile"


_WRITTEN = {Fate.REASONS, Fate.CHANGED, Fate.HELD, Fate.TAKEN}


class Review(NamedTuple):
    """A settlement before and after."""

    before: Settled
    after: Settled
    fate: Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who wants periods settled anew and why, and whether something may be taken back.

    With ``only_opinions``, nothing is written but what a second opinion says of the same figure.
    """

    verdict: Verdict
    take_back: bool = False
    only_opinions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviser:
    """Settles final periods anew."""

    reconciler: Reconciler

    async def revise(
        self, catalogue: Catalogue, due: Sequence[Due], request: Request, now_ms: int
    ) -> list[Review]:
        """Settle the periods anew, write what changed, and say what became of each.

        Where something may be taken back, the first person's wish is kept; it is done when a second
        person wishes the same of the same figure.
        """
        reviews: list[Review] = []
        for items in in_rounds(due):
            reviews += await self._round(catalogue, items, request, now_ms)
        return reviews

    async def _round(
        self, catalogue: Catalogue, items: Sequence[Due], request: Request, now_ms: int
    ) -> list[Review]:
        store = self.reconciler.settlements
        found = await store.find([item.key for item in items])
        before = {one.key: one for one in found if one.state is not State.OBSERVED}
        books = await store.books(list(before.values()))
        wishes = _Wishes(await store.decisions(list(before)), request)
        there = [item for item in items if item.key in before]
        carried = {i.key: _carried_into(before[i.key], books[i.key], i) for i in there}
        fresh = await self._anew(catalogue, there, books, carried, now_ms)
        reviews: list[Review] = []
        drafts: list[Draft] = []
        for settlement in fresh:
            old = before[settlement.key]
            review = _review(old, Settled.of(settlement), books[old.key], wishes)
            reviews.append(review)
            if review.fate not in _WRITTEN:
                continue
            decision = _decision(review, request, now_ms)
            drafts.append(
                replace(
                    draft_of(settlement),
                    settled=review.after,
                    replaces=old.revision,
                    decision=decision,
                    was=old,
                )
            )
        asked = [_decision(one, request, now_ms) for one in reviews if one.fate is Fate.ASKED]
        await store.note([replace(one, kind=DecisionKind.TAKE_BACK) for one in asked])
        lost = await self._write(drafts, catalogue, now_ms)
        return [
            one._replace(fate=Fate.OVERTAKEN) if one.before.key in lost else one for one in reviews
        ]

    async def _write(
        self, drafts: Sequence[Draft], catalogue: Catalogue, now_ms: int
    ) -> Collection[str]:
        """Write drafts, and give the keys of those whose place was taken meanwhile."""
        contracts = {contract.id: contract for contract in catalogue.contracts}
        lost: set[str] = set()
        for start in range(0, len(drafts), BATCH):
            part = drafts[start : start + BATCH]
            if await self.reconciler.poster.post(part, contracts, now_ms) < len(part):
                keys = [draft.settled.key for draft in part]
                # A decision is written with its settlement, or not at all.
                kept = await self.reconciler.settlements.decisions(keys)
                lost.update(one.settled.key for one in part if one.decision not in kept)
        return lost

    async def _anew(
        self,
        catalogue: Catalogue,
        items: Sequence[Due],
        books: Mapping[str, Books],
        carried: Mapping[str, Money | None],
        now_ms: int,
    ) -> list[Settlement]:
        """Compute, with what was carried into each period at the time, and hold it where needed."""
        run = Run()
        found: list[Settlement] = []
        async for batch in self.reconciler.compute(
            catalogue, items, fleet=run.fleet, carried=carried
        ):
            found.extend(batch)
        rising = [one for one in found if books[one.key].gives_more(Settled.of(one))]
        run.fees.update(fees_of(found))
        braked = await self.reconciler.braked(catalogue, rising, run, now_ms)
        held = {one.key: one for one in braked}
        return [held.get(one.key, one) for one in found]


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What people wished to take back before, and what is wished now."""

    before: Sequence[Decision]
    now: Request

    def has_second(self, new: Settled) -> bool:
        """Say whether somebody else wished the same of the same figure."""
        name = self.now.verdict.by.strip().casefold()
        return any(
            wish.kind is DecisionKind.TAKE_BACK
            and (wish.settlement, wish.revision) == (new.key, new.revision)
            and wish.credit == new.credit
            and wish.by.strip().casefold() != name
            for wish in self.before
        )


def _review(old: Settled, new: Settled, books: Books, wishes: _Wishes) -> Review:
    new = replace(new, revision=old.revision + 1)
    is_same_figure = _figures(old) == _figures(new)
    heard = heard_anew(old, new) if is_same_figure and old.state is State.HELD else None
    if heard:
        return _written(old, heard)
    if wishes.now.only_opinions:
        return Review(old, old, Fate.SAME)
    if is_same_figure:
        same = (old.windows, old.ratio) == (new.windows, new.ratio)
        if same:
            return Review(old, old, Fate.SAME)
        return Review(old, old.reasoned_anew(new), Fate.REASONS)
    if books.takes_back(new) or _offers_less(old, new):
        if books.expired or books.keeps_other_money(new) or not wishes.now.take_back:
            return Review(old, new, Fate.LEFT)
        if not wishes.has_second(new):
            return Review(old, new, Fate.ASKED)
        return Review(old, replace(new, group="", holds=new.claim_hold).released, Fate.TAKEN)
    if old.state is State.REJECTED or new.state is State.OBSERVED:
        new = replace(
            new,
            state=State.HELD,
            holds=(*new.holds, Hold.REVIEW),
            steps=(*new.steps, step("hold_review")),
        )
    return _written(old, new)


def _written(old: Settled, new: Settled) -> Review:
    """Write it, unless what a person may reject would take the place of what can be claimed."""
    if new.state is not State.HELD:
        return Review(old, new, Fate.CHANGED)
    return Review(old, new, Fate.OFFERED if old.state is State.WAITING else Fate.HELD)


def _offers_less(old: Settled, new: Settled) -> bool:
    """Say whether the customer could claim less than they were told."""
    return old.state is State.WAITING and (
        old.credit.minor > new.credit.minor
        or (old.credit.minor > 0 and old.credit.currency != new.credit.currency)
        or old.extension_days > new.extension_days
        or old.may_terminate > new.may_terminate
    )


def _figures(settled: Settled) -> tuple[object, ...]:
    """Give what was computed: before a person set another amount, or some of it was spent."""
    minor, kept = computed(settled.steps, settled.credit.minor, settled.kept_minor)
    currency = settled.credit.currency if minor or kept else ""
    forms = settled.extension_days, settled.may_terminate
    return minor, kept, currency, *forms, settled.verdict


def _carried_into(old: Settled, books: Books, item: Due) -> Money | None:
    """Give what was carried into a period when it was settled, if that is its currency still."""
    kept, currency = books.kept_minor, old.credit.currency
    minor = -kept if kept < 0 else max(books.carried_minor - kept, 0)
    is_same = currency == item.contract.fee.currency
    return Money(minor=minor, currency=currency) if minor and is_same else None


def _decision(review: Review, request: Request, now_ms: int) -> Decision:
    after = review.after
    return Decision(
        settlement=after.key,
        revision=after.revision,
        kind=DecisionKind.AGAIN,
        by=request.verdict.by,
        reason=request.verdict.reason,
        credit=after.credit,
        at_ms=now_ms,
    )
