"""The registry of measurers: by the kind of SLI that they measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sla_exporter.core.sli.events import Events
from sla_exporter.core.sli.expr import Expr
from sla_exporter.core.sli.probe import Probe
from sla_exporter.flow.measuring.events import EventsMeasurer
from sla_exporter.flow.measuring.expr import ExprMeasurer
from sla_exporter.flow.measuring.probe import ProbeMeasurer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sla_exporter.core.catalogue import Service
    from sla_exporter.core.sli.kinds import Sli
    from sla_exporter.flow.measuring.measurer import Measurer
    from sla_exporter.ports.measuring import SampleSource

MEASURERS: dict[type[Sli], Callable[[SampleSource, Service], Measurer[Any]]] = {
    Probe: ProbeMeasurer.of,
    Expr: ExprMeasurer.of,
    Events: EventsMeasurer.of,
}


def measurer_of(source: SampleSource, service: Service) -> Measurer[Any]:
    """Give what measures a service."""
    return MEASURERS[type(service.sli)](source, service)
