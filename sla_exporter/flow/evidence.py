"""Evidence: what was observed and alerted, gathered by contract, one read per service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.matchers import all_match
from sla_exporter.core.ownership import Ownership
from sla_exporter.core.quorum import combine
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.settlement import Evidence
from sla_exporter.core.windows import Window, Windows, subtract, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sla_exporter.core.catalogue import Catalogue, Service
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.ports import IncidentStore, ObservationStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEvidence:
    """Everything known of one service within a span of time, by contract."""

    service: Service
    span: Window
    interval_ms: int
    observed: Window
    states: Mapping[str, Sequence[SeriesState]]
    incidents: Mapping[str, Sequence[IncidentWindow]]

    def of(self, contract_id: str, span: Window, *, by_incident: bool = False) -> Evidence:
        """Give one contract's evidence within a span.

        What lies before the time that was observed is unknown; what lies after it is still open.
        By incident, outages that ended within the span are given whole, and those that went on
        beyond it are left for the next one.
        """
        states = self.states.get(contract_id, ())
        state = combine(states, self.service.quorum, span)
        if by_incident:
            before = Window(self.span.start_ms, span.end_ms)
            whole = combine(states, self.service.quorum, before).down
            ended = tuple(w for w in whole if span.start_ms < w.end_ms < span.end_ms)
            state = SeriesState(down=ended, unknown=state.unknown)
        start, end = self.observed
        known = Window(start, min(end, span.end_ms))
        unobserved: Windows = subtract((Window(span.start_ms, known.end_ms),), (known,))
        ahead = (Window(known.end_ms, span.end_ms),) if known.end_ms < span.end_ms else ()
        return Evidence(
            state=SeriesState(
                down=subtract(state.down, tidy((*unobserved, *ahead))),
                unknown=subtract(tidy((*state.unknown, *unobserved)), ahead),
            ),
            open_from_ms=ahead[0].start_ms if ahead else None,
            series=len(states),
            interval_ms=self.interval_ms,
            quorum=self.service.quorum,
            incidents=tuple(
                incident
                for incident in self.incidents.get(contract_id, ())
                if incident.window.start_ms < span.end_ms and incident.window.end_ms > span.start_ms
            ),
        )

    def outages(self) -> Iterator[Windows]:
        """Give the outages of every contract that had any."""
        for states in self.states.values():
            if any(state.down for state in states):
                yield combine(states, self.service.quorum, self.span).down


async def gather_evidence(
    *,
    catalogue: Catalogue,
    service: Service,
    span: Window,
    final: bool,
    observations: ObservationStore,
    incidents: IncidentStore,
) -> ServiceEvidence | None:
    """Read a service's evidence within a span; ``None`` if it was never observed.

    With ``final``, only time that was read again after ``settle_after`` counts as observed.
    """
    mark = await observations.watermark(service.name)
    if mark is None:
        return None
    ownership = Ownership(service, catalogue.of_service(service.name))
    states: dict[str, list[SeriesState]] = {}
    for labels, state in (await observations.states(service.name, span)).items():
        for contract in ownership.owners(dict(labels)):
            states.setdefault(contract.id, []).append(state)
    alerts: dict[str, list[IncidentWindow]] = {}
    for incident in await incidents.overlapping(span):
        if service.incident_matchers and all_match(service.incident_matchers, incident.labels):
            for contract in ownership.owners(incident.labels):
                alerts.setdefault(contract.id, []).append(incident)
    return ServiceEvidence(
        service=service,
        span=span,
        interval_ms=mark.interval_ms,
        observed=Window(mark.from_ms, mark.final_until_ms if final else mark.fresh_until_ms),
        states=states,
        incidents=alerts,
    )
