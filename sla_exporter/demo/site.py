"""The small local site that the demo takes down for some seconds."""

from __future__ import annotations

from aiohttp import web


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
