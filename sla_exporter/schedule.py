"""The schedule: when each job runs, and what happens when one fails.

Jobs run in UTC at fixed intervals and catch up from what is stored, so a tick that was missed costs
nothing. One run of a job at a time; a failure is logged and counted, and the next tick tries again.
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

_log = structlog.get_logger(__name__)


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
    _scheduler: Any = field(default_factory=lambda: AsyncIOScheduler(timezone="UTC"))
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _stopping: bool = False

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()

    def replace(self, jobs: list[Job]) -> None:
        """Put these jobs in the place of all others; each first runs after its interval."""
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
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        await self.idle()

    async def idle(self) -> None:
        """Wait for the runs that are under way now."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

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
