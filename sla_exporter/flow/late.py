"""Late samples: what arrived after a time was read for good fills the stretches that were unknown.

Only what was unknown is read again, and only what is there now is taken: a Prometheus that has
dropped old samples meanwhile takes nothing away from what was measured while it had them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core.samples import SeriesState, read_samples
from sla_exporter.core.scan import reading_plan
from sla_exporter.core.sli.probe import Probe
from sla_exporter.core.windows import clip, intersect, subtract, tidy
from sla_exporter.flow.measuring.cadence import cadence_of
from sla_exporter.flow.measuring.probe import BUCKET_MS, SAMPLES_AN_ANSWER
from sla_exporter.ports.measuring import Observation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.catalogue import Service
    from sla_exporter.core.samples import Cadence
    from sla_exporter.core.scan import Sample
    from sla_exporter.core.windows import Window, Windows
    from sla_exporter.ports import Labels
    from sla_exporter.ports.measuring import ObservationStore, SampleSource


async def read_late(
    service: Service, span: Window, source: SampleSource, store: ObservationStore
) -> bool:
    """Read the unknown stretches of a span again; say whether anything came of it.

    Only probes: what other kinds measure has no samples of its own to come late.
    """
    mark = await store.watermark(service.name)
    if mark is None or not isinstance(service.sli, Probe):
        return False
    states = await store.states(service.name, span)
    unknown = {labels: clip(state.unknown, span) for labels, state in states.items()}
    unknown = {labels: windows for labels, windows in unknown.items() if windows}
    if not unknown:
        return False
    cadence = cadence_of(service, mark.interval_ms)
    filled = dict(states)
    for labels, found in (await _read(service, unknown, cadence, source)).items():
        filled[labels] = _filled(states[labels], unknown[labels], found)
    if filled == states:
        return False
    affected = await store.affected(service.name, span)
    await store.record(service.name, span, Observation(states=filled, affected=affected), mark)
    return True


async def _read(
    service: Service, unknown: Mapping[Labels, Windows], cadence: Cadence, source: SampleSource
) -> dict[Labels, SeriesState]:
    """Read unknown stretches, with so much around them that their edges are known."""
    samples: dict[Labels, dict[int, bool]] = {labels: {} for labels in unknown}
    for hull, needed in reading_plan(unknown, cadence, BUCKET_MS, SAMPLES_AN_ANSWER):
        for labels, found in (await source.samples(service, hull, needed)).items():
            if labels in needed:
                samples[labels].update(found)
    return {
        labels: _states(sorted(samples[labels].items()), windows, cadence)
        for labels, windows in unknown.items()
    }


def _states(samples: Sequence[Sample], windows: Windows, cadence: Cadence) -> SeriesState:
    gap = cadence.max_gap_ms
    down: list[Window] = []
    unknown: list[Window] = []
    for window in windows:
        around = [s for s in samples if window.start_ms - gap <= s[0] <= window.end_ms + gap]
        state = read_samples(around, window, cadence)
        down.extend(state.down)
        unknown.extend(state.unknown)
    return SeriesState(down=tidy(down), unknown=tidy(unknown))


def _filled(state: SeriesState, unknown: Windows, found: SeriesState) -> SeriesState:
    """Put what is known now in the place of what was not."""
    known = subtract(unknown, found.unknown)
    return SeriesState(
        down=tidy((*state.down, *intersect(known, found.down))),
        unknown=subtract(state.unknown, known),
    )
