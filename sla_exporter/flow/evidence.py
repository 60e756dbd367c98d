"""Evidence: what was observed and alerted, gathered by contract, one read per service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from sla_exporter.core.affected import weighted
from sla_exporter.core.exclusions import alert_labels, seen_within
from sla_exporter.core.matchers import all_match
from sla_exporter.core.ownership import Ownership
from sla_exporter.core.periods import DAY_MS
from sla_exporter.core.quorum import combine, disagreements
from sla_exporter.core.samples import SeriesState, never_seen
from sla_exporter.core.settlement import Evidence
from sla_exporter.core.single import assigned
from sla_exporter.core.sli.counts import count_events, whole_slots
from sla_exporter.core.sli.events import Events, joined
from sla_exporter.core.windows import Window, Windows, clip, reaching_back, subtract, tidy
from sla_exporter.flow.exclusions import stated_exclusions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sla_exporter.core.affected import Partial
    from sla_exporter.core.catalogue import Catalogue, Contract, Service
    from sla_exporter.core.exclusions import StatedExclusion
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.sli.counts import EventCount
    from sla_exporter.core.sli.events import Slot
    from sla_exporter.ports import Labels
    from sla_exporter.ports.evidence import ExclusionStore
    from sla_exporter.ports.incidents import IncidentStore
    from sla_exporter.ports.measuring import ObservationStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEvidence:
    """Everything known of one service within a span of time, by contract."""

    service: Service
    span: Window
    interval_ms: int
    observed: Window
    contracts: Mapping[str, Contract]
    series: Mapping[str, Sequence[Labels]]
    states: Mapping[str, Sequence[SeriesState]]
    incidents: Mapping[str, Sequence[IncidentWindow]]
    exclusions: Sequence[StatedExclusion]
    unread: Windows = ()
    slots: Mapping[str, Sequence[Sequence[Slot]]] = field(default_factory=dict)
    affected: Mapping[str, Sequence[Sequence[Partial]]] = field(default_factory=dict)

    def of(self, contract_id: str, span: Window, *, life: Window | None = None) -> Evidence:
        """Give one contract's evidence within a span.

        What lies before the time that was observed is unknown; what lies after it is still open.
        With the contract's ``life``, outages count as single incidents: whole, in one period.
        """
        start, end = self.observed
        known = Window(max(start, span.start_ms), min(end, span.end_ms))
        measured, state = self._states_within(contract_id, span)
        reach = span
        later: Windows = ()
        if life is not None:
            before = Window(self.span.start_ms, span.end_ms)
            measured, found = self._states_within(contract_id, before)
            counted, later = assigned(found.down, span, life)
            reach = reaching_back(span, counted)
            measured = measured.within(reach)
            state = SeriesState(down=counted, unknown=state.unknown)
        unobserved: Windows = subtract((Window(span.start_ms, known.end_ms),), (known,))
        ahead = (Window(known.end_ms, span.end_ms),) if known.end_ms < span.end_ms else ()
        slots, events = self._events(contract_id, known)
        if events and events.ratio is None:
            state = never_seen(span)
        down = subtract(state.down, tidy((*unobserved, *ahead)))
        states = self.states.get(contract_id, ())
        disagreed = disagreements(states, self.service.quorum, known) if known.length_ms > 0 else ()
        return Evidence(
            state=SeriesState(
                down=down,
                unknown=subtract(tidy((*state.unknown, *unobserved)), ahead),
            ),
            sli=self.service.sli,
            slots=slots,
            events=events,
            affected=tuple(weighted(down, self.affected.get(contract_id, ()))),
            disagreements=clip(disagreed, span),
            later=later,
            unread=tidy((*unobserved, *clip(self.unread, span))),
            measured=measured,
            open_from_ms=ahead[0].start_ms if ahead else None,
            series=len(states),
            interval_ms=self.interval_ms,
            quorum=self.service.quorum,
            incidents=tuple(self._incidents_within(contract_id, reach)),
            exclusions=tuple(self._exclusions(contract_id, span, known)),
            alerts=self.service.alerts,
            has_alerts=bool(self.service.incident_matchers),
        )

    def _events(
        self, contract_id: str, known: Window
    ) -> tuple[tuple[Slot, ...], EventCount | None]:
        sli = self.service.sli
        if not isinstance(sli, Events) or sli.down_over is not None:
            return (), None
        slots = whole_slots(joined(self.slots.get(contract_id, ())), known)
        return slots, count_events(sli, slots)

    def _states_within(self, contract_id: str, span: Window) -> tuple[SeriesState, SeriesState]:
        """Give what was measured, and what counts once alerts had their say."""
        measured = combine(self.states.get(contract_id, ()), self.service.quorum, span)
        told = self._incidents_within(contract_id, span)
        return measured, self.service.alerts.decide(measured, told, span)

    def _incidents_within(self, contract_id: str, span: Window) -> Iterator[IncidentWindow]:
        alerts = self.service.alerts
        reach = alerts.reach(span)
        for incident in self.incidents.get(contract_id, ()):
            start, end = alerts.begin(incident)
            if start < reach.end_ms and end > reach.start_ms:
                yield incident

    def _exclusions(
        self, contract_id: str, span: Window, known: Window
    ) -> Iterator[StatedExclusion]:
        if not self.exclusions:
            return
        contract = self.contracts[contract_id]
        named = map(dict, self.series.get(contract_id, ()))
        series = zip(named, self.states.get(contract_id, ()), strict=True)
        labels = alert_labels(self.service, contract, seen_within(series, known))
        for stated in self.exclusions:
            if stated.window.start_ms < span.end_ms and stated.scope.covers(contract, labels):
                yield stated

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
    exclusions: ExclusionStore,
) -> ServiceEvidence | None:
    """Read a service's evidence within a span; ``None`` if it was never observed.

    With ``final``, only time that was read again after ``settle_after`` counts as observed.
    """
    mark = await observations.watermark(service.name)
    if mark is None:
        return None
    contracts = catalogue.of_service(service.name)
    ownership = Ownership(service, contracts)
    states = await observations.states(service.name, span)
    stated = await stated_exclusions(catalogue, exclusions, _year(span))
    in_force = [exclusion for exclusion in stated if exclusion.withdrawn is None]
    # Contracts and labels are asked for by exclusions only, and those of a large fleet take room.
    asked = states if in_force else ()
    reach = service.alerts.reach(span)
    reach = Window(reach.start_ms, reach.end_ms + service.alerts.lag_ms)
    return ServiceEvidence(
        service=service,
        span=span,
        interval_ms=mark.interval_ms,
        observed=Window(mark.from_ms, mark.final_until_ms if final else mark.fresh_until_ms),
        contracts={contract.id: contract for contract in contracts} if in_force else {},
        series=_owned(ownership, {labels: labels for labels in asked}),
        states=_owned(ownership, states),
        incidents=_by_contract(service, ownership, await incidents.overlapping(reach)),
        unread=mark.unread,
        slots=_owned(ownership, await observations.slots(service.name, span)),
        affected=_owned(ownership, await observations.affected(service.name, span)),
        exclusions=in_force,
    )


def _owned(ownership: Ownership, found: Mapping[Labels, T]) -> dict[str, list[T]]:
    """Sort what was found of each series by the contracts that own it."""
    owned: dict[str, list[T]] = {}
    for labels, what in found.items():
        for contract in ownership.owners(dict(labels)):
            owned.setdefault(contract.id, []).append(what)
    return owned


def _year(span: Window) -> Window:
    """Reach back so far that yearly budgets can be told."""
    return Window(span.start_ms - 366 * DAY_MS, span.end_ms)


def _by_contract(
    service: Service, ownership: Ownership, incidents: Sequence[IncidentWindow]
) -> dict[str, list[IncidentWindow]]:
    found: dict[str, list[IncidentWindow]] = {}
    for incident in incidents:
        if incident.contract is not None:
            found.setdefault(incident.contract, []).append(incident)
        elif service.incident_matchers and all_match(service.incident_matchers, incident.labels):
            for contract in ownership.owners(incident.labels):
                found.setdefault(contract.id, []).append(incident)
    return found
