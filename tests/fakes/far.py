"""What all fakes share: a server, and troubles that the next writing request meets."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from sla_exporter.sinks.contract import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from decimal import Decimal
    from typing import Self

PAGE = "<html><body><h1>Down for maintenance</h1></body></html>"
TOO_LATE_S = 0.6


class FarServer(ABC):
    """A fake; ``writes`` says which requests enter something."""

    def __init__(self) -> None:
        self.troubles: list[Trouble] = []
        self.requests: list[str] = []
        self.url = ""

    def meets(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)

    @abstractmethod
    def standing(self) -> list[tuple[str, Decimal]]:
        """Give what stands there: references and amounts."""

    @abstractmethod
    async def writes(self, request: web.Request) -> bool:
        """Say whether a request enters something."""

    @abstractmethod
    async def answer(self, request: web.Request) -> web.Response:
        """Answer as the real one does."""

    async def broken(self, request: web.Request) -> web.Response:
        """Answer with HTTP 500; a fake may remember that it did."""
        return web.Response(status=500, text=PAGE, content_type="text/html")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        if not (self.troubles and await self.writes(request)):
            return await self.answer(request)
        trouble = self.troubles.pop(0)
        page = web.Response(text=PAGE, content_type="text/html")
        answer = await self.answer(request) if trouble.name.startswith("APPLIED") else page
        match trouble:
            case Trouble.DROPPED | Trouble.APPLIED_THEN_DROPPED:
                assert request.transport
                request.transport.abort()
            case Trouble.SLOW | Trouble.APPLIED_THEN_SLOW:
                await asyncio.sleep(TOO_LATE_S)
            case Trouble.BROKEN:
                return await self.broken(request)
            case Trouble.APPLIED_THEN_GARBAGE:
                return page
            case Trouble.TOO_MANY:
                return web.json_response({}, status=429, headers={"Retry-After": "7"})
        return answer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    @contextmanager
    def in_thread(self) -> Iterator[Self]:
        """Run beside the test, for those that start processes."""
        started, loop = threading.Event(), asyncio.new_event_loop()
        stop = asyncio.Event()

        async def serve() -> None:
            async with self.running():
                started.set()
                await stop.wait()

        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
        thread.start()
        assert started.wait(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            loop.close()
