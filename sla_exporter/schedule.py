"""The schedule: when each job runs, and what happens when one fails.

Jobs run in UTC at fixed intervals and catch up from what is stored, so a tick that was missed costs
nothing. One run of a job at a time; a failure is logged and counted, and the next tick tries again.
Ticks go by the clock of the machine. If it is set back, they begin anew, or nothing would run until
it is where it was.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from sla_exporter.errors import SlaExporterError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sla_exporter.ports import Clock

_log = structlog.get_logger(__name__)

_LOOK_S = 1.0
_JUMP_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to be done again and again; nothing happens while it is not ours to do."""

    name: str
    every_ms: int
    run: Callable[[], Awaitable[object]]
    is_ours: Callable[[], bool] = lambda: True


@dataclass(slots=True, kw_only=True)
class Schedule:
    """Runs jobs until it is stopped; ``count`` is told the result of every run."""

    count: Callable[[str, str], None]
    clock: Clock
    _scheduler: Any = field(default_factory=lambda: AsyncIOScheduler(timezone="UTC"))
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _jobs: list[Job] = field(default_factory=list)
    _minding: asyncio.Task[None] | None = None
    _stopping: bool = False

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()
        self._minding = asyncio.create_task(self._mind_the_clock())

    def replace(self, jobs: list[Job]) -> None:
        """Put these jobs in the place of all others; each first runs after its interval."""
        self._jobs = jobs
        self._scheduler.remove_all_jobs()
        for job in jobs:
            self._scheduler.add_job(
                self.run_once,
                IntervalTrigger(seconds=job.every_ms / 1000, timezone="UTC"),
                args=[job],
                id=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )

    async def run_once(self, job: Job) -> None:
        """Run a job now, unless it is running; failures are logged and counted."""
        if self._stopping or job.name in self._running or not job.is_ours():
            return
        task = asyncio.create_task(self._guarded(job))
        self._running[job.name] = task
        task.add_done_callback(lambda _: self._running.pop(job.name, None))
        try:
            # Shielded, because the scheduler cancels what runs when it is shut down.
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if not self._stopping:
                raise

    async def stop(self) -> None:
        """Stop ticking and let what runs come to its end."""
        self._stopping = True
        if self._minding is not None:
            self._minding.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        await self.idle()

    async def idle(self) -> None:
        """Wait for the runs that are under way now."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _mind_the_clock(self) -> None:
        ahead_s = self._ahead_s()
        while True:
            await asyncio.sleep(_LOOK_S)
            before_s, ahead_s = ahead_s, self._ahead_s()
            if ahead_s < before_s - _JUMP_S:
                by_s = round(before_s - ahead_s)
                _log.warning("the clock was set back; jobs begin to tick anew", by_s=by_s)
                self.replace(self._jobs)

    def _ahead_s(self) -> float:
        """Compare the clock with one that nobody can set."""
        return self.clock.now_ms() / 1000 - asyncio.get_running_loop().time()

    async def _guarded(self, job: Job) -> None:
        try:
            await job.run()
        except SlaExporterError as error:
            self.count(job.name, "failed")
            _log.warning("job failed; it will be tried again", job=job.name, error=str(error))
        except Exception:  # noqa: BLE001 - the loop's edge: one bad run must not end the service
            self.count(job.name, "failed")
            _log.exception("job failed in a way it should not", job=job.name)
        else:
            self.count(job.name, "done")
