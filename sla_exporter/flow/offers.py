"""Offers: a credit on request waits for its customer, who is told how, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.claiming import lapsed
from sla_exporter.core.settlement import State
from sla_exporter.errors import NotPossible

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Customer
    from sla_exporter.core.settled import Settled
    from sla_exporter.ports.claims import ClaimNotices
    from sla_exporter.ports.settling import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Tells customers what they can claim; without ``notices`` nobody can be told."""

    notices: ClaimNotices | None = None

    def in_time(self, settled: Settled, now_ms: int) -> Settled:
        """Give the settlement as it is now: what can be claimed no more is not offered."""
        if settled.state is State.WAITING and settled.is_late_at(now_ms):
            return lapsed(settled)
        return settled

    def notice(self, settled: Settled, customer: Customer) -> Notice:
        """Write the offer.

        Raises:
            NotPossible: if no links can be signed.
        """
        if self.notices is None:
            raise NotPossible(
                f"{settled.key} must be claimed by its customer, but without claims.key and "
                "web.external_url nobody can be given a link; set both"
            )
        return self.notices.offer(settled, customer)


NO_OFFERS = Offers()
