"""What waits for its customer: reminded before the time is over, and let go when it is.

Both catch up from what is stored: a reminder has a key that follows from its settlement, and what
has lapsed waits no more, so doing either twice is doing it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.claiming import lapsed
from sla_exporter.flow.posting import Draft
from sla_exporter.ports.claims import Telling

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Catalogue, Customer
    from sla_exporter.core.settled import Settled
    from sla_exporter.flow.posting import Poster
    from sla_exporter.ports.claims import ClaimNotices, ClaimStore

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRoom:
    """Looks after settlements that wait for a claim."""

    claims: ClaimStore
    poster: Poster

    async def lapse(self, now_ms: int) -> int:
        """Let go what was not claimed in time, and say how many."""
        done = 0
        while overdue := await self.claims.overdue(now_ms, BATCH):
            drafts = [Draft(settled=lapsed(o), was=o, replaces=o.revision) for o in overdue]
            written = await self.poster.post(drafts, {}, now_ms)
            if not written:  # others let them go, or took them
                break
            done += written
        return done

    async def remind(self, catalogue: Catalogue, now_ms: int) -> int:
        """Remind customers whose time is nearly over, and say how many."""
        notices = self.poster.offers.notices
        if notices is None:
            return 0
        customers = {contract.id: contract.customer for contract in catalogue.contracts}
        done, after = 0, ""
        while found := await self.claims.to_remind(now_ms, BATCH, after):
            after = found[-1].key
            tellings = [
                self._reminder(notices, one, customers[one.contract])
                for one in found
                if one.contract in customers
            ]
            done += await self.claims.tell(tellings, now_ms)
        return done

    def _reminder(self, notices: ClaimNotices, settled: Settled, customer: Customer) -> Telling:
        notice = notices.reminder(settled, customer)
        order = self.poster.routes.notice_order(notice, waits=True)
        return Telling(settled=settled, notice=notice, orders=(order,))
