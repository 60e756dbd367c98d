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

from sla_exporter.core.periods import utc_text
from sla_exporter.errors import DeliveryDelayed
from sla_exporter.sinks.message import compose

if TYPE_CHECKING:
    from pathlib import Path

    from sla_exporter.core.ledger import Entry
    from sla_exporter.ports import Claimed, Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSink:
    """Writes into ``notices`` and ``credits`` below a folder."""

    folder: Path
    clock: Clock
    sender: str = "sla-exporter <sla-exporter@localhost>"
    name: str = "file"

    async def deliver(self, claimed: Claimed) -> str:
        """Write the file and give its path."""
        about = claimed.order.about
        if claimed.entry:
            path = self.credit_path(about)
            content = credit_json(claimed.entry)
        elif claimed.notice:
            path = self.notice_path(about)
            message = compose(
                claimed.notice,
                key=claimed.order.key,
                sender=self.sender,
                reply_to=None,
                at_ms=self.clock.now_ms(),
            )
            content = message.as_bytes()
        try:
            await asyncio.to_thread(write_whole, path, content)
        except OSError as error:
            raise DeliveryDelayed(f"{path} cannot be written: {error.strerror}") from error
        return str(path)

    def notice_path(self, key: str) -> Path:
        """Say where the notice of that key lies, or will."""
        return self.folder / "notices" / f"{file_name(key)}.eml"

    def credit_path(self, key: str) -> Path:
        """Say where the credit of that key lies, or will."""
        return self.folder / "credits" / f"{file_name(key)}.json"


def file_name(key: str) -> str:
    """Make a file name of a key; different keys have different names."""
    return quote(key, safe="/").replace("~", "%7E").replace("/", "~")


def credit_json(entry: Entry) -> bytes:
    """Write a ledger entry for other programs; the amount is text, as JSON numbers are floats."""
    content = {
        "reference": entry.reference,
        "kind": entry.kind,
        "customer": entry.customer,
        "contract": entry.contract,
        "policy": entry.policy,
        "form": entry.form,
        "amount": str(entry.amount.amount),
        "currency": entry.amount.currency,
        "settlement": entry.settlement,
        "posted_at": utc_text(entry.posted_at_ms),
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


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
