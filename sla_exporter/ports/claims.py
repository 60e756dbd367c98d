"""What claiming needs: the store of claims, and who tells customers of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.catalogue import Customer
    from sla_exporter.core.claims import JudgedClaim, StatedClaim
    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.records import CaseRecord
    from sla_exporter.core.settled import Settled
    from sla_exporter.ports.settling import Notice, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A notice about a settlement that changes nothing else."""

    settled: Settled
    notice: Notice
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedClaim:
    """A claim as it is kept: with its number, and how its settlement stands now, if it does."""

    number: int
    claim: JudgedClaim
    state: str | None
    recorded_at_ms: int


class Kept(Enum):
    """How keeping an early claim went."""

    NOW = "now"
    BEFORE = "before"  # the same claim was there already
    TOO_LATE = "too late"  # its period is settled by now


class ClaimStore(Protocol):
    """Claims, kept for good; accepted ones are written with what they set free."""

    async def keep_early(self, claim: JudgedClaim, at_ms: int) -> Kept:
        """Keep a claim for when its period is settled."""
        ...

    async def keep(self, claim: JudgedClaim, telling: Telling | None, at_ms: int) -> None:
        """Keep a claim from which nothing follows; the same one twice is kept once."""
        ...

    async def said(self, settlements: Sequence[str]) -> Mapping[str, Sequence[StatedClaim]]:
        """Give the claims that settling these periods must look at, by settlement."""
        ...

    async def left_over(self) -> Sequence[StatedClaim]:
        """Give early claims that nothing came of although their period is settled."""
        ...

    async def listed(
        self, filters: Mapping[str, str], after: int, limit: int
    ) -> Sequence[ListedClaim]:
        """Give claims in the order in which they were kept."""
        ...

    async def record(self, settlement: str, revision: int) -> CaseRecord | None:
        """Give what a settlement was computed from."""
        ...

    async def waiting(self) -> Sequence[Settled]:
        """Give everything that waits for a claim, the most urgent first."""
        ...

    async def overdue(self, now_ms: int, limit: int) -> Sequence[Settled]:
        """Give what waits for a claim that is too late now."""
        ...

    async def to_remind(self, now_ms: int, limit: int, after: str = "") -> Sequence[Settled]:
        """Give what waits for a claim whose customer is to be reminded now, by key."""
        ...

    async def tell(self, tellings: Sequence[Telling], at_ms: int) -> int:
        """Write reminders of what still waits, once each, and say how many."""
        ...


class ClaimNotices(Protocol):
    """Writes what customers are told about claims."""

    def offer(self, settled: Settled, customer: Customer) -> Notice:
        """Say what can be claimed, until when and how."""
        ...

    def reminder(self, settled: Settled, customer: Customer) -> Notice:
        """Say that the time to claim it ends soon."""
        ...

    def refusal(self, settled: Settled, customer: Customer, reasons: Sequence[Step]) -> Notice:
        """Say why a claim was refused."""
        ...
