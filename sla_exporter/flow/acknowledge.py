"""Acknowledge: tell customers of an outage while it happens, once, and never of a sum."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sla_exporter.core.outages import worth_telling
from sla_exporter.core.windows import Window
from sla_exporter.ports.notices import Telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sla_exporter.core.outages import Outage
    from sla_exporter.core.settlement import Settlement
    from sla_exporter.core.windows import Windows
    from sla_exporter.ports.notices import OutageRenderer, ToldOutage, ToldOutages
    from sla_exporter.ports.settling import Routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledger:
    """Tells of outages that have lasted ``after_ms``, a customer at most once in ``pause_ms``.

    What begins again within ``after_ms`` is the same outage, and so is what goes on in the next
    period.
    """

    told: ToldOutages
    renderer: OutageRenderer
    routes: Routes
    after_ms: int
    pause_ms: int
    # Two jobs look at open periods, side by side, and each must see what the other told.
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def tell(self, settlements: Sequence[Settlement], faults: Windows, now_ms: int) -> int:
        """Look at open periods, and say how many customers were told of something.

        Nothing is said of ``faults``: then so many were down that it may be the monitoring.
        """
        async with self._alone:
            return await self._tell(settlements, faults, now_ms)

    async def _tell(self, settlements: Sequence[Settlement], faults: Windows, now_ms: int) -> int:
        since_ms = now_ms - self.after_ms - self.pause_ms
        known = await self.told.since(since_ms - self.pause_ms)
        longer, fresh = self._sorted(settlements, known, since_ms, faults)
        lately = {one.customer for one in known if one.told_at_ms > now_ms - self.pause_ms}
        customers = {one.contract.customer.id: one.contract.customer for one in settlements}
        tellings = []
        for name, outages in fresh.items():
            if name not in lately:
                told = tuple(sorted(outages, key=lambda one: (one.window.start_ms, one.contract)))
                notice = self.renderer.render_outages(customers[name], told)
                order = self.routes.notice_order(notice)
                tellings.append(Telling(notice=notice, order=order, outages=told))
        if tellings or longer:
            await self.told.tell(tellings, longer, now_ms)
        return len(tellings)

    def _sorted(
        self,
        settlements: Iterable[Settlement],
        known: Iterable[ToldOutage],
        since_ms: int,
        faults: Windows,
    ) -> tuple[list[ToldOutage], dict[str, list[Outage]]]:
        """Tell outages that are known, and last longer by now, from new ones by customer."""
        told: dict[str, list[ToldOutage]] = defaultdict(list)
        for one in known:
            told[one.contract].append(one)
        longer: dict[tuple[str, int], ToldOutage] = {}
        fresh: dict[str, list[Outage]] = defaultdict(list)
        for settlement in settlements:
            for outage in worth_telling(settlement, self.after_ms, since_ms, faults):
                same = self._same(outage, told[outage.contract])
                if same is None:
                    fresh[outage.customer].append(outage)
                elif same.window.end_ms < outage.window.end_ms:
                    window = Window(same.window.start_ms, outage.window.end_ms)
                    lasted = replace(same, window=window)
                    longer[lasted.contract, window.start_ms] = lasted
                    told[outage.contract].append(lasted)  # so that what follows it is seen to
        return list(longer.values()), fresh

    def _same(self, outage: Outage, told: Iterable[ToldOutage]) -> ToldOutage | None:
        """Find the outage that was told, of which this is more."""
        gap_ms = self.pause_ms if outage.goes_on else self.after_ms
        for one in told:
            begins_within = outage.window.start_ms <= one.window.end_ms + gap_ms
            if begins_within and one.window.start_ms <= outage.window.end_ms:
                return one
        return None
