"""Files: the embedded default. Nothing leaves the machine, and everything can be looked at.

A notice becomes an ``.eml`` file, which mail programs open; a credit a small JSON file that a
billing system can pick up. The name of a file comes from what it is about, and it is put in place
whole, so delivering twice is the same as delivering once.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import DeliveryDelayed
from sla_exporter.sinks.document import credit_content
from sla_exporter.sinks.message import compose

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.ports import Clock
    from sla_exporter.ports.delivery import Credit
    from sla_exporter.ports.settling import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSink:
    """Writes into ``notices`` and ``credits`` below a folder."""

    folder: Path
    clock: Clock
    sender: str = "sla-exporter <sla-exporter@localhost>"
    name: str = "file"
    forms: frozenset[Form] = frozenset(Form)
    at_once: int = 20
    settles_ms: int = 0

    async def send(self, notice: Notice, key: str) -> str:
        """Write the notice as a message and give the file's path."""
        message = compose(
            notice, key=key, sender=self.sender, reply_to=None, at_ms=self.clock.now_ms()
        )
        return await self._write(self.notice_path(notice.key), message.as_bytes())

    async def find(self, credit: Credit) -> str | None:
        """Say where the file is, if it is there."""
        path = self.credit_path(credit.entry.key)
        return str(path) if await asyncio.to_thread(path.exists) else None

    async def issue(self, credit: Credit) -> str:
        """Write the credit as JSON and give the file's path."""
        content = json.dumps(credit_content(credit), indent=2, ensure_ascii=False) + "\n"
        return await self._write(self.credit_path(credit.entry.key), content.encode())

    async def entered(self, account: str, since_ms: int) -> None:
        """Say nothing: who works files off takes them away."""

    async def close(self) -> None:
        """Do nothing: no file stays open."""

    def notice_path(self, key: str) -> Path:
        """Say where the notice of that key lies, or will."""
        return self.folder / "notices" / f"{file_name(key)}.eml"

    def credit_path(self, key: str) -> Path:
        """Say where the credit of that key lies, or will."""
        return self.folder / "credits" / f"{file_name(key)}.json"

    async def _write(self, path: Path, content: bytes) -> str:
        try:
            await asyncio.to_thread(write_whole, path, content)
        except OSError as error:
            raise DeliveryDelayed(f"{path} cannot be written: {error.strerror}") from error
        return str(path)


def file_name(key: str) -> str:
    """Make a file name of a key; different keys have different names."""
    return quote(key, safe="/").replace("~", "%7E").replace("/", "~")


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place in one step, and on the disk before saying so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
