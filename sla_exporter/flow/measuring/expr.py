"""``expr``: an expression that is 1 or 0, evaluated at every step; nothing is carried over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.samples import UP, SeriesState, never_seen, read_samples
from sla_exporter.core.windows import Window, tidy
from sla_exporter.errors import QueryRejected
from sla_exporter.flow.measuring.measurer import ARRIVAL_MS
from sla_exporter.flow.measuring.stepped import stepped
from sla_exporter.ports.measuring import Observation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from sla_exporter.core.catalogue import Service
    from sla_exporter.core.samples import Cadence
    from sla_exporter.core.scan import Chunk
    from sla_exporter.ports import Labels, Value
    from sla_exporter.ports.measuring import SampleSource

States = dict["Labels", SeriesState]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExprMeasurer:
    """Measures what an expression says at every step."""

    source: SampleSource
    service: Service
    grid_ms: int

    @classmethod
    def of(cls, source: SampleSource, service: Service) -> ExprMeasurer:
        """Take a service whose kind is ``expr``."""
        if service.interval_ms is None:
            raise TypeError(f"service {service.name} has no step")
        return cls(source=source, service=service, grid_ms=service.interval_ms)

    async def interval_ms(self, from_ms: int, now_ms: int) -> int:  # noqa: ARG002 - the port's
        """Give the step, which is stated."""
        return self.grid_ms

    def lag_ms(self, cadence: Cadence) -> int:
        """Wait until the samples of the last step are in."""
        return cadence.interval_ms + ARRIVAL_MS

    async def look(self, chunk: Chunk) -> States:
        """Read the whole chunk; only what was not up is kept of it."""
        found: dict[Labels, list[SeriesState]] = {}
        seen_until = chunk.span.start_ms
        async for at, values in stepped(
            self.source, self.service.selector, chunk.span, chunk.cadence.interval_ms
        ):
            span = Window(at.start, at[-1] + at.step)
            for labels in found.keys() - values.keys():
                found[labels].append(never_seen(span))
            for labels, points in values.items():
                before = Window(chunk.span.start_ms, seen_until)
                found.setdefault(labels, [SeriesState(unknown=tidy([before]))]).append(
                    read_samples(self._samples(labels, points), span, chunk.cadence)
                )
            seen_until = span.end_ms
        return {labels: _joined(states) for labels, states in found.items()}

    async def finish(
        self, chunk: Chunk, look: States, expected: AbstractSet[Labels]
    ) -> Observation:
        """Add the series that are expected and absent."""
        absent = dict.fromkeys(expected - look.keys(), never_seen(chunk.span))
        troubled = {k: state for k, state in look.items() if state != UP or k not in expected}
        return Observation(states=troubled | absent)

    def _samples(self, labels: Labels, points: Sequence[Value]) -> list[tuple[int, bool]]:
        found: list[tuple[int, bool]] = []
        for at, value in points:
            number = float(value)
            if number in {0.0, 1.0}:
                found.append((at, number == 1.0))
            elif number == number:  # noqa: PLR0124 - all but NaN, which says nothing
                raise QueryRejected(
                    f"service {self.service.name}: the expression gives {value} for "
                    f"{_shown(labels)}; it must give 1 when up and 0 when down, as comparisons "
                    "with bool do: (rate(errors[5m]) < bool 0.1)"
                )
        return found


def _joined(states: Sequence[SeriesState]) -> SeriesState:
    return SeriesState(
        down=tidy(window for state in states for window in state.down),
        unknown=tidy(window for state in states for window in state.unknown),
    )


def _shown(labels: Mapping[str, str] | Labels) -> str:
    return ", ".join(f"{name}={value}" for name, value in dict(labels).items()) or "no labels"
