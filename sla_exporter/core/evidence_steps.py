"""How alerts, exclusions and their disagreement with the measurement are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.alerts import EvidenceMode, widened, without_company
from sla_exporter.core.reasoning import Duration, Moment, step
from sla_exporter.core.windows import Window, clip, tidy, total_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.settlement import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSteps:
    """Tells what stands beside the measurement, within a span, in a zone."""

    evidence: Evidence
    span: Window
    zone: str

    def all(self) -> Iterator[Step]:
        """Give every step: alerts, where they disagree with the measurement, exclusions."""
        if self.evidence.alerts.evidence is not EvidenceMode.METRICS:
            yield step(f"evidence_{self.evidence.alerts.evidence.value}")
        for incident in self.evidence.incidents:
            yield from self._incident(incident)
        if self.evidence.has_alerts:
            yield from self._disagreements()
        yield from self._exclusions()

    def _stretch(self, code: str, window: Window, **facts: str) -> Iterator[Step]:
        for start, end in clip((window,), self.span):
            yield step(
                code,
                start=Moment(start, self.zone),
                end=Moment(end, self.zone),
                length=Duration(end - start),
                **facts,
            )

    def _incident(self, incident: IncidentWindow) -> Iterator[Step]:
        names = {"alert": incident.name, "incident": incident.key}
        yield from self._stretch("incident", incident.window, **names)
        for note in incident.notes:
            yield step(f"incident_{note.what.value}", why=note.why, who=note.who, **names)

    def _disagreements(self) -> Iterator[Step]:
        rules = self.evidence.alerts
        measured, unknown = self.evidence.measured.down, self.evidence.measured.unknown
        told = [incident for incident in self.evidence.incidents if not incident.is_dismissed]
        begun = clip(tidy(rules.begin(incident) for incident in told), self.span)
        counted = self.evidence.state.down
        for outage in without_company(measured, widened(begun, rules.tolerance_ms)):
            counts = bool(clip(counted, outage))
            if outage.length_ms > rules.lag_ms or not counts:  # shorter ones can fire no alert
                code = "outage_without_alert" if counts else "outage_not_confirmed"
                yield from self._stretch(code, outage)
        for window in without_company(begun, widened(measured, rules.tolerance_ms)):
            if total_ms(clip(unknown, window)) == window.length_ms:
                continue  # nothing was measured that could disagree
            counts = bool(clip(counted, window))
            yield from self._stretch(
                "alert_counts_alone" if counts else "alert_without_outage", window
            )

    def _exclusions(self) -> Iterator[Step]:
        for stated in self.evidence.exclusions:
            facts = {"kind": stated.kind.value, "why": stated.why, "record": stated.key}
            for told in self._stretch("exclusion_stated", stated.window, **facts):
                if stated.announced_at_ms is None:
                    yield step("exclusion_unannounced", **told.facts)
                else:
                    at = Moment(stated.announced_at_ms, self.zone)
                    yield step(told.code, **{**told.facts, "announced": at})
