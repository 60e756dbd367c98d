"""Every kind of billing sink there is: ours, and those that installed packages bring.

A package adds one with an entry point in the group ``sla_exporter.sinks`` whose name is the kind,
and whose value is a class with ``section`` (a :class:`sla_exporter.ports.delivery.SinkSection`),
``forms``, and a constructor that takes the sink's name, the section, the clock and the private
networks that it may talk to (:func:`sla_exporter.outgoing.guarded_connector` holds it to them).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from sla_exporter.errors import SlaExporterError
from sla_exporter.outgoing import Network
from sla_exporter.ports.delivery import SinkKind
from sla_exporter.sinks.fossbilling import FossbillingSink
from sla_exporter.sinks.invoiceninja import InvoiceNinjaSink
from sla_exporter.sinks.stripe import StripeSink
from sla_exporter.sinks.webhook import WebhookSink
from sla_exporter.sinks.whmcs import WhmcsSink

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from sla_exporter.ports import Clock
    from sla_exporter.ports.delivery import BillingSink, SinkSection

GROUP = "sla_exporter.sinks"

Builder = Callable[[str, Any, "Clock", Sequence[Network]], "BillingSink"]

OURS: dict[str, Any] = {
    "fossbilling": FossbillingSink,
    "invoiceninja": InvoiceNinjaSink,
    "stripe": StripeSink,
    "webhook": WebhookSink,
    "whmcs": WhmcsSink,
}


def sink_classes() -> dict[str, Any]:
    """Give the class of every kind; ours cannot be replaced by a package."""
    return {point.name: _loaded(point) for point in entry_points(group=GROUP)} | OURS


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise SlaExporterError(
            f"the billing sink {point.name!r} cannot be loaded: {error}"
        ) from error


def sink_kinds() -> dict[str, SinkKind]:
    """Say what the configuration needs to know of each kind."""
    return {
        name: SinkKind(section=sink.section, forms=sink.forms)
        for name, sink in sink_classes().items()
    }


def build_sink(
    kind: str,
    name: str,
    section: SinkSection,
    clock: Clock,
    allow_private: Sequence[Network] = (),
) -> BillingSink:
    """Build a sink of that kind under that name."""
    sink: BillingSink = sink_classes()[kind](name, section, clock, allow_private)
    return sink
