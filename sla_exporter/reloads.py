"""Reloads, however many are asked for: one at a time, and those that wait share the next one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(slots=True)
class Reloads:
    """Runs ``reload`` for whoever asks; who comes while one runs gets what the one after it gives.

    That one begins after they asked, so it has seen what they changed before.
    """

    reload: Callable[[], Awaitable[None]]
    _next: asyncio.Task[None] | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self) -> None:
        """Reload, or share a reload that has not begun; raises what that raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._run())
        await asyncio.shield(self._next)

    async def _run(self) -> None:
        async with self._turn:
            self._next = None
            await self.reload()
