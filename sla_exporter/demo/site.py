"""The small site that the demo takes down: by hand here, by the clock in containers."""

from __future__ import annotations

from aiohttp import web

_MINUTE_MS = 60_000


def is_down_at(at_ms: int) -> bool:
    """Say whether the site of the composed demo is down: in one minute of every ten."""
    return at_ms // _MINUTE_MS % 10 == 5


class LocalSite:
    """Answers 200, or 503 while it is down."""

    def __init__(self) -> None:
        self.is_down = False
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free loopback port."""
        application = web.Application()
        application.router.add_get("/", self._answer)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _answer(self, _request: web.Request) -> web.Response:
        return web.Response(
            text="down" if self.is_down else "up", status=503 if self.is_down else 200
        )
