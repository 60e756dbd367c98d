"""A second opinion that stands in series: whose values mean up, down, or neither."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from sla_exporter.core.matchers import quote
from sla_exporter.core.samples import Cadence, read_samples
from sla_exporter.core.windows import Window
from sla_exporter.errors import QueryRejected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sla_exporter.core.catalogue import Contract
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.ports.evidence import PointSource


_USUAL_INTERVAL_MS = 60_000
_AROUND_MS = 30 * 60_000  # services look every few minutes


class SeriesOpinion:
    """Reads the series of one contract.

    ``label`` names the label that tells contracts apart, ``monitors`` its values by the id of
    contract or customer where they are not those ids themselves.
    """

    def __init__(
        self,
        points: PointSource,
        *,
        name: str,
        meaning: Callable[[float], bool | None],
        selector: str,
        label: str,
        monitors: Mapping[str, str],
        tolerance_ms: int,
    ) -> None:
        self.name = name
        self.tolerance_ms = tolerance_ms
        self._points = points
        self._meaning = meaning
        self._selector = selector
        self._label = label
        self._monitors = monitors

    async def state(self, contract: Contract, span: Window) -> SeriesState:
        """Give what the series say within the span; where they say nothing it is unknown."""
        around = Window(span.start_ms - _AROUND_MS, span.end_ms + _AROUND_MS)
        found = await self._points.points(self._selector_of(contract), around)
        if not found:
            raise QueryRejected(f"{self.name} has no series for contract {contract.id}")
        samples = self._merged(list(found.values()))
        spacing = Counter(b - a for (a, _), (b, _) in pairwise(samples))
        interval_ms = spacing.most_common(1)[0][0] if spacing else _USUAL_INTERVAL_MS
        return read_samples(samples, span, Cadence.of(interval_ms))

    def _selector_of(self, contract: Contract) -> str:
        wanted = self._monitors.get(contract.id) or self._monitors.get(contract.customer.id)
        values = [wanted] if wanted else [contract.id, contract.customer.id]
        pattern = "|".join(_escape(value) for value in values)
        matcher = f"{self._label}=~{quote(pattern)}"
        head, brace, rest = self._selector.rpartition("}")
        if not brace:
            return f"{self._selector}{{{matcher}}}"
        separator = "" if head.rstrip().endswith(("{", ",")) else ","
        return f"{head}{separator}{matcher}}}{rest}"

    def _merged(self, series: Sequence[Sequence[tuple[int, str]]]) -> list[tuple[int, bool]]:
        """Join a monitor's series, of which there is a new one whenever a label of it changes."""
        found: dict[int, bool] = {}
        for points in series:
            for at, value in points:
                is_up = self._meaning(float(value))
                if is_up is not None:
                    found[at] = found.get(at, False) or is_up
        return sorted(found.items())


def _escape(value: str) -> str:
    return "".join(f"\\{c}" if c in "\\.+*?()|[]{}^$" else c for c in value)
