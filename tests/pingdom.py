"""A Pingdom of our own: a real server that answers as API 3.1 is documented, limits included."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from sla_exporter.sources.http import HttpApi

if TYPE_CHECKING:
    from typing import Self

    from sla_exporter.core.windows import Window

TOKEN = "read-access"


@dataclass
class FakePingdom:
    """Knows the outages of its checks, in milliseconds; ``status`` other than 200 is its answer."""

    outages: dict[str, list[Window]] = field(default_factory=dict)
    unknown: list[Window] = field(default_factory=list)
    remaining: int = 400
    reset_s: int = 3589
    status: int = 200
    body: str | None = None
    hangs: bool = False
    clips: bool = True
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/api/3.1/summary.outage/{check}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/api/3.1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def api(self, token: str = TOKEN, timeout_s: float = 5) -> HttpApi:
        return HttpApi(self.url, timeout_s=timeout_s, headers={"Authorization": f"Bearer {token}"})

    async def _answer(self, request: web.Request) -> web.Response:
        start, end = int(request.query["from"]), int(request.query["to"])
        check = request.match_info["check"]
        self.asked.append((check, start, end))
        if self.hangs:
            await asyncio.sleep(3600)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._error(403, "Forbidden", "Something went wrong! This string describes what")
        if self.remaining <= 0:
            return self._error(429, "Too Many Requests", "Request limit exceeded, try again later")
        self.remaining -= 1
        if self.status != 200:
            return self._error(self.status, "Error", "no good")
        if check not in self.outages:
            return self._error(404, "Not Found", "Invalid check identifier")
        if self.body is not None:
            return web.Response(text=self.body, headers=self._limits())
        states = list(self._states(check, start, end))
        return web.json_response({"summary": {"states": states}}, headers=self._limits())

    def _states(self, check: str, start: int, end: int):
        troubles = [(w.start_ms // 1000, w.end_ms // 1000, "down") for w in self.outages[check]]
        troubles += [(w.start_ms // 1000, w.end_ms // 1000, "unknown") for w in self.unknown]
        cursor = start
        for begin, until, status in sorted(troubles):
            if until <= start or begin >= end:
                continue
            if begin > cursor:
                yield {"status": "up", "timefrom": cursor, "timeto": begin}
            first, last = (max(begin, start), min(until, end)) if self.clips else (begin, until)
            yield {"status": status, "timefrom": first, "timeto": last}
            cursor = until
        if cursor < end:
            yield {"status": "up", "timefrom": cursor, "timeto": end}

    def _limits(self) -> dict[str, str]:
        told = f"Remaining: {self.remaining} Time until reset: {self.reset_s}"
        return {
            "Req-Limit-Short": told,
            "Req-Limit-Long": "Remaining: 71994 Time until reset: 2591989",
        }

    def _error(self, status: int, short: str, said: str) -> web.Response:
        error = {"statuscode": status, "statusdesc": short, "errormessage": said}
        return web.json_response({"error": error}, status=status, headers=self._limits())
