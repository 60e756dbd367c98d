"""Pingdom, API 3.1: the outages of a check.

Its limits are told by every answer. When they are used up it is not asked again before they are
reset; the credit waits meanwhile.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field, ValidationError

from sla_exporter.core.periods import DAY_MS
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window, Windows, clip, subtract, tidy
from sla_exporter.errors import QueryRejected, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sla_exporter.core.catalogue import Contract
    from sla_exporter.ports import Clock
    from sla_exporter.sources.http import HttpApi, Reply

URL = "https://api.pingdom.com/api/3.1"
_LONGEST_MS = 31 * DAY_MS  # the longest window is not stated; a month is usual
_LIMIT = re.compile(r"Remaining:\s*(\d+)\s+Time until reset:\s*(\d+)")
_USUAL_PAUSE_S = 60


class _Stretch(BaseModel):
    status: Literal["up", "down", "unknown"]
    timefrom: int
    timeto: int

    @property
    def window(self) -> Window:
        return Window(self.timefrom * 1000, self.timeto * 1000)


class _Summary(BaseModel):
    states: list[_Stretch] = Field(default_factory=list)


class _Answer(BaseModel):
    summary: _Summary


class Pingdom:
    """The second opinion of a Pingdom account; ``checks`` by the id of contract or customer."""

    name = "Pingdom"

    def __init__(
        self, api: HttpApi, checks: Mapping[str, str], *, tolerance_ms: int, clock: Clock
    ) -> None:
        self.tolerance_ms = tolerance_ms
        self._api = api
        self._checks = checks
        self._clock = clock
        self._resumes_ms = 0

    async def state(self, contract: Contract, span: Window) -> SeriesState:
        """Give what the check saw within the span; what it does not tell of is unknown."""
        check = self._checks.get(contract.id) or self._checks.get(contract.customer.id)
        if check is None:
            raise QueryRejected(f"no Pingdom check is named for contract {contract.id}")
        stretches: list[_Stretch] = []
        for start_ms in range(span.start_ms, span.end_ms, _LONGEST_MS):
            part = Window(start_ms, min(start_ms + _LONGEST_MS, span.end_ms))
            stretches.extend(await self._outages(check, part))
        # Whether the first and the last are cut at the edges is not stated, so we cut them.
        down = _within(span, stretches, "down")
        known = tidy((*down, *_within(span, stretches, "up")))
        return SeriesState(down=down, unknown=subtract((span,), known))

    async def _outages(self, check: str, part: Window) -> list[_Stretch]:
        now_ms = self._clock.now_ms()
        if now_ms < self._resumes_ms:
            wait_s = -((now_ms - self._resumes_ms) // 1000)
            raise SourceUnavailable(f"Pingdom's request limit is used up for {wait_s} s more")
        seconds = {"from": part.start_ms // 1000, "to": -(-part.end_ms // 1000)}
        reply = await self._api.get(f"/summary.outage/{check}", order="asc", **seconds)
        self._heed_limits(reply, now_ms)
        if reply.status in {400, 401, 403, 404}:
            raise QueryRejected(f"{reply.url} answered {reply.status}: {_said(reply)}")
        try:
            return _Answer.model_validate_json(reply.checked()).summary.states
        except ValidationError:
            raise SourceUnavailable(f"{reply.url} gave no outages that can be read") from None

    def _heed_limits(self, reply: Reply, now_ms: int) -> None:
        told = [_LIMIT.search(reply.headers.get(f"Req-Limit-{n}", "")) for n in ("Short", "Long")]
        waits = [int(limit[2]) for limit in told if limit and not int(limit[1])]
        if reply.status == 429 and not waits:
            waits = [_USUAL_PAUSE_S]
        if waits:
            self._resumes_ms = now_ms + max(waits) * 1000


def _within(span: Window, stretches: list[_Stretch], status: str) -> Windows:
    return clip(tidy(stretch.window for stretch in stretches if stretch.status == status), span)


def _said(reply: Reply) -> str:
    return reply.body[:200].decode(errors="replace").strip()
