"""Pages for people."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sla_exporter import __version__, resources
from sla_exporter.core.money import Money
from sla_exporter.notices.formats import plain

if TYPE_CHECKING:
    from sla_exporter.ports.figures import Figures, Standing


def render_status(figures: Figures) -> str:
    """Write the start page: how every open period stands, worst first."""
    rows = sorted((_row(standing) for standing in figures.standings), key=lambda row: row["order"])
    template = _environment().get_template("web/status.html")
    return template.render(
        version=__version__, rows=rows, open_incidents=figures.open_incidents, parked=figures.parked
    )


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(resources.folder("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _row(standing: Standing) -> dict[str, Any]:
    formats = plain()
    objective = Fraction(standing.objective) if standing.objective else None
    ratio = Fraction(standing.ratio) if standing.ratio else None
    return {
        "contract": standing.contract,
        "service": standing.service,
        "policy": standing.policy,
        "period": standing.period,
        "availability": "not measured" if ratio is None else formats.percent(ratio),
        "objective": "-" if objective is None else formats.percent(objective),
        "breached": ratio is not None and objective is not None and ratio < objective,
        "downtime": formats.duration(standing.down_ms),
        "unknown": formats.duration(standing.unknown_ms),
        "credit": str(Money(minor=standing.credit_minor, currency=standing.currency)),
        "order": (ratio is None, ratio or 0, standing.contract),
    }
