"""Single incidents: which period an outage belongs to, where each counts as a whole.

It is the one in which it was over, so an outage that ends at the very moment at which a period
begins belongs to that one: until then nobody can know that it does not go on. Only the contract's
life counts of it, and what goes on when the contract ends belongs to its last period.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.windows import clip

if TYPE_CHECKING:
    from sla_exporter.core.windows import Window, Windows


class Assigned(NamedTuple):
    """The outages that count in a period, whole, and what lies in it of those of a later one."""

    counted: Windows
    later: Windows


def assigned(outages: Windows, span: Window, life: Window) -> Assigned:
    """Say which outages count in the part of a period in which the contract ran."""
    lived = tuple(one for one in clip(outages, life) if one.end_ms >= span.start_ms)
    if span.end_ms == life.end_ms:
        return Assigned(lived, ())
    over = tuple(one for one in lived if one.end_ms < span.end_ms)
    return Assigned(over, clip(lived[len(over) :], span))
