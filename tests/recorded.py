"""A real HTTP server that gives recorded answers of engines which cannot run here."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self


class RecordedEngine:
    """Answers queries by a function of the request; everything else is 404, as there."""

    def __init__(
        self, answer: Callable[[str, Mapping[str, str]], tuple[int, Any]], prefix: str = ""
    ) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self._answer = answer
        self._prefix = prefix
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.url = f"http://127.0.0.1:{port}{self._prefix}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> int:
        app = web.Application()
        app.router.add_post(f"{self._prefix}/api/v1/{{kind:query|query_range}}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def _handle(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        kind = request.match_info["kind"]
        self.asked.append((kind, form))
        self.headers.append(dict(request.headers))
        status, body = self._answer(kind, form)
        return web.json_response(body, status=status)


def matrix(values: list[list[Any]], **more: Any) -> dict[str, Any]:
    """Give a successful answer with one series."""
    result = [{"metric": {"customer": "acme"}, "values": values}] if values else []
    return {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}
