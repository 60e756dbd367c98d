"""Gather: notices of one reader that came about together are sent as one digest.

Each contract's notice is written with its settlement, and its order waits a while. Then the notices
of a reader become one digest: the digest, its order, and the end of the orders that it stands for
are one transaction. So whatever dies, a customer gets either the single notices or the digest; and
if nobody gathers them, they become due by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.ports.notices import Gathered
from sla_exporter.ports.settling import Order

if TYPE_CHECKING:
    from collections.abc import Collection

    from sla_exporter.ports.notices import DigestRenderer, DigestStore, Waiting

AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatherer:
    """Makes digests; ``kinds`` are the kinds of notices that go into one."""

    store: DigestStore
    renderer: DigestRenderer
    kinds: Collection[str]
    gather_ms: int

    async def gather_due(self, now_ms: int) -> int:
        """Gather what has waited long enough and say how many digests were made."""
        groups = await self.store.waiting(self.kinds, now_ms - self.gather_ms, now_ms)
        alone = [
            group.orders[0] for group in groups if len(group.orders) == 1 and not group.is_held
        ]
        if alone:
            await self.store.let_go(alone, now_ms)
        several = [group for group in groups if len(group.orders) > 1]
        made: int = 0
        for start in range(0, len(several), AT_ONCE):
            made += await self._gather(several[start : start + AT_ONCE], now_ms)
        return made

    async def _gather(self, groups: list[Waiting], now_ms: int) -> int:
        keys = [key for group in groups for key in group.notices]
        notices = {notice.key: notice for notice in await self.store.notices(keys)}
        gathered: list[Gathered] = []
        for group in groups:
            if not all(notices[key].facts for key in group.notices):
                continue  # erased since we looked
            digest = self.renderer.render_digest([notices[key] for key in group.notices])
            order = Order(
                key=f"{group.sink}/{digest.key}",
                sink=group.sink,
                kind="notice",
                about=digest.key,
                is_held=group.is_held,
            )
            gathered.append(Gathered(digest=digest, order=order, orders=group.orders))
        return await self.store.gather(gathered, now_ms)
