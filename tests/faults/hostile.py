"""A server between us and another one, which fails in the ways that servers fail."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

import requests
from aiohttp import ClientSession, web

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

WARNED = b'{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["partial"]}'
WRONG = b'{"status":"error","errorType":"execution","error":"found duplicate series"}'


class Between:
    """Passes requests on, or fails them; ``fault`` says how, and may be changed at any time.

    Faults: ``refuse`` (500), ``slow``, ``cut`` (half an answer), ``garbage``, ``partial`` (with
    warnings), ``422``, and ``""`` for none.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.fault = ""
        self.asked = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._client = ClientSession()
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._client.close()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        fault, body = self.fault, await request.read()
        if fault == "slow":
            await asyncio.sleep(3600)
        ready = {
            "refuse": (500, b"no"),
            "garbage": (200, b"\x00<html>{{"),
            "partial": (200, WARNED),
            "422": (422, WRONG),
        }
        if fault in ready:
            status, content = ready[fault]
            return web.Response(status=status, body=content)
        async with self._client.request(
            request.method,
            self.target + request.raw_path,
            data=body,
            headers={"Content-Type": request.content_type},
        ) as answer:
            content = await answer.read()
        if fault == "cut":
            half = web.StreamResponse(headers={"Content-Length": str(len(content) + 10)})
            await half.prepare(request)
            await half.write(content[: len(content) // 2])
            with contextlib.suppress(AttributeError):
                request.transport.abort()
            return half
        return web.Response(status=answer.status, body=content, content_type=answer.content_type)


def answers(check: Callable[[], requests.Response]) -> bool:
    """Say whether a server answers at all."""
    try:
        return check().status_code < 500
    except requests.RequestException:
        return False
