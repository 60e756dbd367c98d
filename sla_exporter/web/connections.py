"""Connections: how many there may be, and how long we wait for what their clients send.

Each costs an open file. Without an end to that, whoever opens a thousand and sends half a request
on each keeps everybody else out.
"""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

BODY_S = 60
KEEP_ALIVE_S = 75.0
_HEADERS_S = 10.0
_LOOK_EVERY_S = 1.0


@dataclass(slots=True)
class Doorkeeper:
    """Closes connections on which no request came in time.

    That is asked of the first request of a connection only: aiohttp itself sees to the following.
    """

    seconds: Callable[[], float] = time.monotonic
    _heard: set[web.RequestHandler] = field(default_factory=set)
    _silent: dict[web.RequestHandler, float] = field(default_factory=dict)

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Note that the headers of a request are there."""
        self._heard.add(request.protocol)
        return await handler(request)

    async def watch(self, runner: web.AppRunner) -> None:
        """Look after the connections until cancelled."""
        while runner.server:
            self.look(runner.server.connections)
            await asyncio.sleep(_LOOK_EVERY_S)

    def look(self, connections: Sequence[web.RequestHandler]) -> None:
        """Close those that are silent for too long, and forget those that are gone."""
        now_s = self.seconds()
        self._heard.intersection_update(connections)
        silent = (one for one in connections if one not in self._heard)
        self._silent = {one: self._silent.get(one, now_s) for one in silent}
        for one, since_s in self._silent.items():
            if now_s - since_s >= _HEADERS_S and one.transport:
                one.transport.abort()


def in_time(request: web.Request) -> asyncio.Timeout:
    """Limit how long the body of a request may take; one that is there needs no clock."""
    return asyncio.timeout(None if request.content.is_eof() else BODY_S)


def allow_many() -> None:
    """Take as many open files as we may have, as Go's programs do; 1,024 is soon used up."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # where the system has a limit beside it
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
