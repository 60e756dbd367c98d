"""A life that ends at a chosen step: settles, or claims, and delivers until SIGKILL, for test_kill.

Started once; every life is a fork, so that hundreds of them take seconds. The event loop counts its
turns, and every await that suspends is a turn, so killing at turn N for every N is killing at every
await.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from sla_exporter import logs
from sla_exporter.app import load
from sla_exporter.core.claims import Channel, StatedClaim
from sla_exporter.service import Service
from tests.conftest import FixedClock


class MortalLoop(asyncio.SelectorEventLoop):
    """Kills its process at the beginning of a turn."""

    turns_left = -1
    number = signal.SIGKILL

    def _run_once(self) -> None:
        if self.turns_left == 0:
            os.kill(os.getpid(), self.number)
        self.turns_left -= 1
        super()._run_once()  # type: ignore[misc]


async def settle_and_deliver(folder: Path, now_ms: int) -> None:
    """Do what the service does once a month is closed."""
    service = Service(config=load(folder / "sla-exporter.yml"), clock=FixedClock(now_ms))
    while not await service.leadership.lease.acquire(200):  # noqa: ASYNC110 - as replicas do
        await asyncio.sleep(0.05)
    await service._reconcile()  # noqa: SLF001 - the job itself, without its schedule
    await service._gather()  # noqa: SLF001
    await service._deliver()  # noqa: SLF001
    await service.stop()


async def claim_and_deliver(folder: Path, now_ms: int) -> None:
    """Do what follows when Acme presses the button."""
    service = Service(config=load(folder / "sla-exporter.yml"), clock=FixedClock(now_ms))
    pressed = StatedClaim(
        settlement="acme-web/2026-10",
        contract="acme-web",
        channel=Channel.LINK,
        by="acme",
        received_at_ms=now_ms,
    )
    await service._claim_desk().claim(service.config.catalogue, pressed, now_ms)  # noqa: SLF001
    await service._deliver()  # noqa: SLF001
    await service.stop()


WORK = {"settle": settle_and_deliver, "claim": claim_and_deliver}


def live(folder: Path, now_ms: int, turns: int, work: str = "settle") -> int:
    """Live in a fork for so many turns, or to the end with -1; give the turns that were left."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        loop = MortalLoop()
        loop.turns_left = turns
        try:
            loop.run_until_complete(WORK[work](folder, now_ms))
            os.write(write, str(loop.turns_left).encode())
        finally:
            os._exit(0)
    os.close(write)
    said = os.read(read, 100)
    os.close(read)
    os.waitpid(child, 0)
    return int(said) if said else 0


def settle_down(template: Path, folder: Path) -> None:
    """Copy the template; what is called WORLD in its configuration is called like the folder."""
    shutil.copytree(template, folder)
    file = folder / "sla-exporter.yml"
    file.write_text(file.read_text().replace("WORLD", folder.name))


def main(template: Path, now_ms: int, every: int, first: int, work: str = "settle") -> None:
    """Kill at every so many turns; leave a folder for each death, after a second life."""
    whole = template.with_name("whole")
    settle_down(template, whole)
    used = -1 - live(whole, now_ms, -1, work)
    deaths = []
    for turns in range(first, used, every):
        folder = template.with_name(f"killed-{turns}")
        settle_down(template, folder)
        live(folder, now_ms, turns, work)
        # The dead process holds leases; its successor comes when they have run out.
        live(folder, now_ms + 3_600_000, -1, work)
        deaths.append(turns)
    sys.stdout.write(json.dumps({"turns": used, "deaths": deaths}))


if __name__ == "__main__":
    logs.configure("error", "logfmt")
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]), *sys.argv[5:])
