"""Postings: everything that follows from a settlement, made ready to be written at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sla_exporter.core.ledger import EMPTY_BOOKS, EntryKind, book
from sla_exporter.core.settlement import State
from sla_exporter.errors import BooksMoved
from sla_exporter.flow.offers import NO_OFFERS, Offers
from sla_exporter.ports.settling import Order, Posting, Routes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.catalogue import Contract
    from sla_exporter.core.claims import JudgedClaim
    from sla_exporter.core.ledger import Booking, Books, Entry
    from sla_exporter.core.records import CaseRecord
    from sla_exporter.core.settled import Settled
    from sla_exporter.ports.settling import Decision, Notice, NoticeRenderer, SettlementStore

_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A settlement that is to be written; the other fields are explained at :class:`Posting`."""

    settled: Settled
    replaces: int = 0
    record: CaseRecord | None = None
    decision: Decision | None = None
    was: Settled | None = None
    claims: tuple[JudgedClaim, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """Writes settlements with their entries, notices and orders."""

    settlements: SettlementStore
    renderer: NoticeRenderer
    routes: Routes
    offers: Offers = NO_OFFERS

    async def post(
        self, drafts: Sequence[Draft], contracts: Mapping[str, Contract], now_ms: int
    ) -> int:
        """Write drafts in one transaction, and say how many; those whose place is taken stay out.

        What goes to the ledger is made for the books as they are read; if another process moves
        them before it is written, it is made anew.
        """
        told = await self._told(drafts)
        for tries_left in reversed(range(_TRIES)):
            books = await self._books(drafts)
            postings = [
                self._posting(
                    draft,
                    contracts,
                    books.get(draft.settled.key, EMPTY_BOOKS),
                    now_ms,
                    is_told=draft.settled.key in told,
                )
                for draft in drafts
            ]
            try:
                return await self.settlements.post(postings, now_ms)
            except BooksMoved:
                if not tries_left:
                    raise
        return 0

    async def _books(self, drafts: Sequence[Draft]) -> Mapping[str, Books]:
        moving = [d.settled for d in drafts if d.replaces or d.settled.moves]
        return await self.settlements.books(moving) if moving else {}

    async def _told(self, drafts: Sequence[Draft]) -> set[str]:
        """Give those of which customers were told before; a first revision comes without that."""
        anew = [draft.settled for draft in drafts if draft.settled.revision > 1]
        return await self.settlements.told(anew) if anew else set()

    def _posting(
        self,
        draft: Draft,
        contracts: Mapping[str, Contract],
        books: Books,
        now_ms: int,
        *,
        is_told: bool,
    ) -> Posting:
        settled, decision = self.offers.in_time(draft.settled, now_ms), draft.decision
        posting = Posting(
            settled=settled,
            replaces=draft.replaces,
            record=draft.record,
            decision=decision,
            was=draft.was,
            claims=tuple(replace(one, revision=settled.revision) for one in draft.claims),
        )
        if settled.state is not State.POSTED:
            return self._without_entries(posting, contracts)
        by, reason = (decision.by, decision.reason) if decision else ("", "")
        booking = book(settled, books, now_ms, by=by, note=reason)
        notice = self._notice(booking, contracts[settled.contract], draft.was, is_told=is_told)
        return replace(
            posting,
            settled=booking.settled,
            entries=booking.entries,
            notice=notice,
            orders=tuple(self._orders(booking, contracts[settled.contract], notice)),
            books=books,
        )

    def _without_entries(self, posting: Posting, contracts: Mapping[str, Contract]) -> Posting:
        """Tell the customer what they can claim, or that nothing came of what they never saw."""
        settled, notice = posting.settled, None
        if settled.state is State.WAITING:
            notice = self.offers.notice(settled, contracts[settled.contract].customer)
        elif settled.state is State.LAPSED and not posting.replaces and self.routes.statements:
            notice = self.renderer.render(settled, contracts[settled.contract].customer, None)
        orders = (self.routes.notice_order(notice, waits=True),) if notice else ()
        return replace(posting, notice=notice, orders=orders)

    def _notice(
        self, booking: Booking, contract: Contract, was: Settled | None, *, is_told: bool
    ) -> Notice | None:
        """Tell the customer of a credit, or of a month without one, if they are told of those."""
        settled, customer = booking.settled, contract.customer
        if booking.grant or any(e.kind is EntryKind.REVERSAL for e in booking.entries):
            return self.renderer.render(settled, customer, booking.grant, corrects=is_told)
        was_posted = was is not None and was.state is State.POSTED
        if was_posted or is_told or not self.routes.statements:
            return None
        return self.renderer.render(settled, customer, None)

    def _orders(self, booking: Booking, contract: Contract, notice: Notice | None) -> list[Order]:
        orders = [
            self._credit_order(contract, entry)
            for entry in booking.entries
            if entry.kind in {EntryKind.GRANT, EntryKind.REVERSAL}
        ]
        if notice:
            orders.append(self.routes.notice_order(notice, waits=True))
        return orders

    def _credit_order(self, contract: Contract, entry: Entry) -> Order:
        """Send money to the customer's billing system; what is not money waits for a person."""
        sink = self.routes.credits
        if entry.amount.minor > 0:
            sink = self.routes.credit_sink(contract.customer, entry.form)
        return Order(key=f"{sink}/{entry.key}", sink=sink, kind="credit", about=entry.key)
