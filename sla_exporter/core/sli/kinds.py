"""The registry of SLI kinds: by the key that names one in a service's ``sli`` section."""

from __future__ import annotations

from sla_exporter.core.sli.events import Events
from sla_exporter.core.sli.expr import Expr
from sla_exporter.core.sli.probe import Probe

Sli = Probe | Expr | Events

KINDS: dict[str, type[Sli]] = {"probe": Probe, "expr": Expr, "events": Events}
