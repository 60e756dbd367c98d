"""Days: an amount for every calendar day that an outage touches, at once or after a deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sla_exporter.core.periods import datetime_of
from sla_exporter.core.policy.downtime import Starts
from sla_exporter.core.policy.formula import Award, Clause, Formula
from sla_exporter.core.policy.measure import Measured
from sla_exporter.core.policy.pay import Pay
from sla_exporter.core.reasoning import Step, step
from sla_exporter.core.windows import Window

SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Days(Formula):
    """Days are those of the period's zone.

    With ``after_working_days``, the days after the end of so many working days (Monday to Friday)
    that follow the one on which the outage began, or was reported if that starts the clock.
    """

    pays: Pay
    after_working_days: int | None = None

    def __post_init__(self) -> None:
        if self.after_working_days is not None and self.after_working_days < 0:
            raise ValueError("after_working_days: must not be negative")

    def award(self, measured: Measured) -> Award:
        """Count the days, each once however many outages touch it."""
        days: set[date] = set()
        for outage in measured.outages:
            days |= self._days(outage.window, measured)
        steps: tuple[Step, ...] = ()
        if days:
            steps = (step("days_touched", count=len(days), pays=self.pays.times(len(days))),)
        return Award(pays=(self.pays.times(len(days)),) if days else (), steps=steps)

    def clause(self) -> Clause:
        """Say which days are paid for."""
        if self.after_working_days is None:
            return Clause(said=(step("clause_days", pays=self.pays),))
        working_days = self.after_working_days
        return Clause(said=(step("clause_days_after", pays=self.pays, working_days=working_days),))

    def _days(self, window: Window, measured: Measured) -> set[date]:
        zone = measured.case.period.zone
        first = datetime_of(window.start_ms, zone).date()
        last = datetime_of(window.end_ms - 1, zone).date()
        if self.after_working_days is not None:
            began = datetime_of(_began_ms(window, measured), zone).date()
            repair_by = working_days_after(began, self.after_working_days)
            first = max(first, repair_by + timedelta(days=1))
        return {first + timedelta(days=n) for n in range((last - first).days + 1)}


def _began_ms(window: Window, measured: Measured) -> int:
    """Say when the outage of a stretch began; what was cut out of it does not begin it anew."""
    from_report = measured.policy.downtime.starts is Starts.REPORT
    begins: list[int] = []
    for outage in measured.case.outages:
        if outage.window.start_ms <= window.start_ms < outage.window.end_ms:
            reported = outage.reported_at_ms
            if not from_report:
                begins.append(outage.window.start_ms)
            elif reported is not None:
                begins.append(max(outage.window.start_ms, reported))
    return min(begins, default=window.start_ms)


def working_days_after(day: date, count: int) -> date:
    """Give the day that lies so many working days after a day."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return day
