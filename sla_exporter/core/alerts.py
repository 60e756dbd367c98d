"""What counts as downtime where alerts have a say: measurement, alerts, both, or either.

``startsAt`` of an alert is when it fired, after its ``for``; so alerts are taken to begin by
``lag_ms`` earlier. Where both must agree, their edges may differ by the tolerance, and those that
were measured count; so an alert from just outside a span has a say in it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window, Windows, clip, intersect, subtract, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sla_exporter.core.incidents import IncidentWindow


class EvidenceMode(StrEnum):
    """What makes downtime."""

    METRICS = "metrics"
    ALERTS = "alerts"
    CONFIRMED = "confirmed"  # what was measured, where an alert says so too
    EITHER = "either"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """What a service makes of its alerts."""

    evidence: EvidenceMode = EvidenceMode.METRICS
    lag_ms: int = 0
    tolerance_ms: int = 5 * 60_000

    def begin(self, incident: IncidentWindow) -> Window:
        """Give an incident from when the trouble began that its alert told of."""
        start, end = incident.window
        return Window(start - self.lag_ms, end)

    def reach(self, span: Window) -> Window:
        """Give the time in which alerts have a say within the span."""
        return Window(span.start_ms - self.tolerance_ms, span.end_ms + self.tolerance_ms)

    def decide(
        self, measured: SeriesState, incidents: Iterable[IncidentWindow], span: Window
    ) -> SeriesState:
        """Say when the service was down, within the span.

        Time in which nothing was measured stays unknown unless an alert counts by itself: what
        measures is what would have fired the alert.
        """
        told = tidy(self.begin(one) for one in incidents if not one.is_dismissed)
        alerted = clip(told, span)
        match self.evidence:
            case EvidenceMode.METRICS:
                return measured
            case EvidenceMode.CONFIRMED:
                down = intersect(measured.down, widened(told, self.tolerance_ms))
                return SeriesState(down=down, unknown=measured.unknown)
            case EvidenceMode.ALERTS:
                down = alerted
            case EvidenceMode.EITHER:
                down = tidy((*measured.down, *alerted))
        return SeriesState(down=down, unknown=subtract(measured.unknown, down))


def widened(windows: Iterable[Window], by_ms: int) -> Windows:
    """Give the windows, longer by so much at either end."""
    return tidy((start - by_ms, end + by_ms) for start, end in windows)
