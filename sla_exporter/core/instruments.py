"""How a contract was measured, as steps of the reasoning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core.reasoning import Duration, Share, step
from sla_exporter.core.sli.events import Availability, Empty, Events
from sla_exporter.core.sli.expr import Expr
from sla_exporter.core.windows import total_ms

if TYPE_CHECKING:
    from sla_exporter.core.reasoning import Fact, Step
    from sla_exporter.core.settlement import Evidence

_EMPTY = {Empty.UP: "counts as up", Empty.DOWN: "counts as down", Empty.LEFT_OUT: "is left out"}


def instruments(service: str, evidence: Evidence) -> list[Step]:
    """Say by what a contract of the service was measured, and how finely."""
    if not evidence.series:
        return [step("not_measured", service=service)]
    interval = Duration(evidence.interval_ms)
    match evidence.sli:
        case Events() as events:
            return _counted(service, events, evidence)
        case Expr() if evidence.series == 1:
            return [step("measured_by_expr", service=service, interval=interval)]
        case _ if evidence.series == 1:
            return [step("measured_by_one", service=service, interval=interval)]
    steps = [
        step(
            "measured_by_many",
            service=service,
            series=evidence.series,
            interval=interval,
            quorum=_quorum(evidence),
        )
    ]
    if evidence.quorum.min_known > 1:
        steps.append(step("min_known", count=evidence.quorum.min_known))
    return steps


def disagreed(evidence: Evidence) -> Step:
    """Say how long vantage points saw an outage that their quorum did not."""
    return step(
        "disagreed",
        length=Duration(total_ms(evidence.disagreements)),
        count=len(evidence.disagreements),
        quorum=_quorum(evidence),
    )


def _quorum(evidence: Evidence) -> int | str:
    return evidence.quorum.at_least or "all"


def _counted(service: str, events: Events, evidence: Evidence) -> list[Step]:
    interval = Duration(evidence.interval_ms)
    if events.down_over is not None:
        limit, empty = Share(events.down_over), _EMPTY[events.empty]
        facts: dict[str, Fact] = {
            "service": service,
            "interval": interval,
            "limit": limit,
            "empty": empty,
        }
        return [step("measured_by_error_rate", **facts)]
    count = evidence.events
    steps = [step("measured_by_events", service=service, interval=interval)]
    if count is None or count.ratio is None:
        return steps
    counted = count.everything
    good, total = round(counted.good), round(counted.total)
    steps.append(step("events_counted", good=good, total=total))
    if events.availability is Availability.SLOTS:
        averaged: dict[str, Fact] = {
            "slots": counted.slots,
            "without": counted.empty,
            "empty": _EMPTY[events.empty],
        }
        steps.append(step("events_averaged", **averaged))
    return steps
