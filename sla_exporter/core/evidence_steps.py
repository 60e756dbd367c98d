"""How alerts, exclusions and their disagreement with the measurement are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.alerts import EvidenceMode, widened
from sla_exporter.core.reasoning import Duration, Moment, step
from sla_exporter.core.windows import Window, clip, subtract, tidy

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
        for part in clip((window,), self.span):
            yield self._told(code, part, **facts)

    def _told(self, code: str, window: Window, **facts: str) -> Step:
        start, end = window
        return step(
            code,
            start=Moment(start, self.zone),
            end=Moment(end, self.zone),
            length=Duration(end - start),
            **facts,
        )

    def _incident(self, incident: IncidentWindow) -> Iterator[Step]:
        """Tell of an alert; of one from outside the span, what is near enough to have a say."""
        names = {"alert": incident.name, "incident": incident.key}
        whole, reach = (incident.window,), self.evidence.alerts.reach(self.span)
        for part in clip(whole, self.span) or clip(whole, reach):
            yield self._told("incident", part, **names)
        for note in incident.notes:
            yield step(f"incident_{note.what.value}", why=note.why, who=note.who, **names)

    def _disagreements(self) -> Iterator[Step]:
        """Tell what only one of them says, by more than edges may differ."""
        rules, measured = self.evidence.alerts, self.evidence.measured
        told = [incident for incident in self.evidence.incidents if not incident.is_dismissed]
        begun = tidy(rules.begin(incident) for incident in told)
        for part in subtract(measured.down, widened(begun, rules.tolerance_ms)):
            if not self._counts(part):
                yield from self._stretch("outage_not_confirmed", part)
            elif part.length_ms > rules.lag_ms:  # shorter ones can fire no alert
                yield from self._stretch("outage_without_alert", part)
        explained = tidy((*widened(measured.down, rules.tolerance_ms), *measured.unknown))
        for part in subtract(clip(begun, self.span), explained):
            code = "alert_counts_alone" if self._counts(part) else "alert_without_outage"
            yield from self._stretch(code, part)

    def _counts(self, part: Window) -> bool:
        return bool(clip(self.evidence.state.down, part))

    def _exclusions(self) -> Iterator[Step]:
        for stated in self.evidence.exclusions:
            facts = {"kind": stated.kind.value, "why": stated.why, "record": stated.key}
            for told in self._stretch("exclusion_stated", stated.window, **facts):
                if stated.announced_at_ms is None:
                    yield step("exclusion_unannounced", **told.facts)
                else:
                    at = Moment(stated.announced_at_ms, self.zone)
                    yield step(told.code, **{**told.facts, "announced": at})
