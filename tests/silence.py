"""A way to a server that can fall silent: nothing is refused, and nothing comes back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class Way:
    """Hands on what comes to ``port``; what was connected by then can be made silent for ever."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._pumps: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []
        self._open = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._open.set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for end in self._ends:
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    def fall_silent(self) -> None:
        """Let nothing more through on what is connected; what connects from now on works."""
        self._open.clear()
        self._open = asyncio.Event()
        self._open.set()

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._ends += [back, forth]
        for source, sink in ((near, forth), (far, back)):
            pump = asyncio.create_task(self._pump(source, sink, self._open))
            self._pumps.add(pump)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, may_pass: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while said := await source.read(65_536):
                await may_pass.wait()
                sink.write(said)
        if may_pass.is_set():
            sink.close()
