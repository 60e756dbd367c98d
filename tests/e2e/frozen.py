"""A replica that is stopped with SIGSTOP at a chosen step and woken up after its successor is done.

The same as ``mortal``, on PostgreSQL: stopping at turn N of the event loop for every N is stopping
at every await, inside transactions too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path

from sla_exporter import logs
from sla_exporter.errors import SlaExporterError
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
            try:
                loop.run_until_complete(settle_and_deliver(folder, now_ms))
            except SlaExporterError as error:  # refused, as it should be
                sys.stderr.write(f"{error}\n")
            os.write(write, str(loop.turns_left).encode())
        except BaseException:  # noqa: BLE001 - a fork must never return to its parent's code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(write)
    return child, read


def live(folder: Path, now_ms: int) -> int:
    """Live to the end and give the number of turns."""
    child, read = begin(folder, now_ms, -1)
    require_peace(child)
    return -1 - int(os.read(read, 100) or b"0")


def freeze(folder: Path, now_ms: int, turns: int) -> None:
    """Stop one life at a turn, let another live to its end, and wake the first up."""
    child, _ = begin(folder, now_ms, turns)
    os.waitpid(child, os.WUNTRACED)
    live(folder, now_ms + 3_600_000)
    os.kill(child, signal.SIGCONT)
    require_peace(child)


def require_peace(child: int) -> None:
    """Wait for the end of a life and insist that nothing happened that should not."""
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit("a life ended with an error")


def main(folder: Path, now_ms: int, every: int) -> None:
    """Play one life for each folder below: the first to its end, and each other stopped later."""
    whole, *others = sorted(folder.iterdir())
    used = live(whole, now_ms)
    frozen = list(range(1, used, every))[: len(others)]
    for turns, one in zip(frozen, others, strict=False):
        freeze(one, now_ms, turns)
    sys.stdout.write(json.dumps({"turns": used, "frozen": frozen}))


if __name__ == "__main__":
    logs.configure("error", "logfmt")
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
