"""A replica that is stopped with SIGSTOP at a chosen step and woken up after its successor is done.

The same as ``mortal``, on PostgreSQL: stopping at turn N of the event loop for every N is stopping
at every await, inside transactions too.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import text

from sla_exporter import logs
from sla_exporter.errors import SlaExporterError
from sla_exporter.store import engine
from tests.e2e.mortal import MortalLoop, settle_and_deliver


class FreezingLoop(MortalLoop):
    """Stops its process at the beginning of a turn, once."""

    number = signal.SIGSTOP


def begin(folder: Path, now_ms: int, turns: int) -> tuple[int, int]:
    """Fork a life that stops at a turn; give its process and where it says how many were left."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        loop = FreezingLoop()
        loop.turns_left = turns
        try:
            with contextlib.suppress(SlaExporterError):  # refused, as it should be
                loop.run_until_complete(settle_and_deliver(folder, now_ms))
            os.write(write, str(loop.turns_left).encode())
        finally:
            os._exit(0)
    os.close(write)
    return child, read


def live(folder: Path, now_ms: int) -> int:
    """Live to the end and give the number of turns."""
    child, read = begin(folder, now_ms, -1)
    os.waitpid(child, 0)
    return -1 - int(os.read(read, 100) or b"0")


def freeze(folder: Path, now_ms: int, turns: int) -> None:
    """Stop one life at a turn, let another live to its end, and wake the first up."""
    child, _ = begin(folder, now_ms, turns)
    os.waitpid(child, os.WUNTRACED)
    live(folder, now_ms + 3_600_000)
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, 0)


def main(folder: Path, now_ms: int, every: int) -> None:
    """Play one life for each folder below: the first to its end, and each other stopped later."""
    # Two folders of a hundred stop in a transaction; nobody waits ten seconds for each.
    engine._PAUSED = text("SET LOCAL idle_in_transaction_session_timeout = '700ms'")  # noqa: SLF001
    whole, *others = sorted(folder.iterdir())
    used = live(whole, now_ms)
    frozen = list(range(1, used, every))[: len(others)]
    for turns, one in zip(frozen, others, strict=False):
        freeze(one, now_ms, turns)
    sys.stdout.write(json.dumps({"turns": used, "frozen": frozen}))


if __name__ == "__main__":
    logs.configure("error", "logfmt")
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
