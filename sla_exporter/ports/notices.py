"""What gathering, acknowledging and pacing notices needs from the outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sla_exporter.core.catalogue import Customer
    from sla_exporter.core.outages import Outage
    from sla_exporter.core.windows import Window
    from sla_exporter.ports.settling import Notice, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a sink gets notices: at most so many an hour, and of a batch first only a few.

    A batch is what follows a stretch of ``wait_ms`` without anything due. Its ``first`` go at once,
    the others when ``wait_ms`` have passed since it began, so that a person can stop it.
    """

    per_hour: int | None = None
    first: int | None = None
    wait_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Notices of one reader that wait to be sent to the same sink, by key."""

    sink: str
    notices: tuple[str, ...]
    orders: tuple[str, ...]
    is_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A digest in the place of the orders that it takes over."""

    digest: Notice
    order: Order
    orders: tuple[str, ...]


class DigestStore(Protocol):
    """Notices that wait for others of the same reader."""

    async def waiting(
        self, kinds: Collection[str], until_ms: int, now_ms: int
    ) -> Sequence[Waiting]:
        """Give what waits, by reader, where the oldest was ordered until then."""
        ...

    async def notices(self, keys: Sequence[str]) -> Sequence[Notice]:
        """Give notices by their keys, in the order of the keys."""
        ...

    async def gather(self, gathered: Sequence[Gathered], now_ms: int) -> int:
        """Put digests in the place of orders, in one transaction, and say how many.

        A digest of which any order is not waiting any more is left out.
        """
        ...

    async def let_go(self, orders: Sequence[str], now_ms: int) -> None:
        """Make orders due that wait in vain."""
        ...


class DigestRenderer(Protocol):
    """Writes digests."""

    def render_digest(self, notices: Sequence[Notice]) -> Notice:
        """Render several notices of one reader as one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOutage:
    """An outage that its customer was told of at a time."""

    contract: str
    customer: str
    window: Window
    told_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A notice of outages, its order, and the outages that it tells of."""

    notice: Notice
    order: Order
    outages: tuple[Outage, ...]


class ToldOutages(Protocol):
    """What customers were told of outages while they happened."""

    async def since(self, since_ms: int) -> Sequence[ToldOutage]:
        """Give what was told of outages that were seen to last until then, or longer."""
        ...

    async def tell(
        self, tellings: Sequence[Telling], longer: Sequence[ToldOutage], now_ms: int
    ) -> None:
        """Write notices and orders, and that some outages were seen to last longer; all at once."""
        ...


class OutageRenderer(Protocol):
    """Writes acknowledgements."""

    def render_outages(self, customer: Customer, outages: Sequence[Outage]) -> Notice:
        """Render that these outages were seen."""
        ...
