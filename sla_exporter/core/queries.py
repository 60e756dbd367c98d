"""The queries with which anybody can check a settlement against Prometheus by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.matchers import Matcher
from sla_exporter.core.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.catalogue import Contract, Service
    from sla_exporter.core.settled import Settled

_MOST_OUTAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """An instant query, the moment to ask it at, and what its answer says."""

    promql: str
    at_ms: int
    says: str


def queries_for(settled: Settled, contract: Contract, service: Service) -> Iterator[Query]:
    """Give queries for the whole period and for its first outages."""
    selector = narrowed(service, contract)
    span, interval_ms = settled.span, service.interval_ms or 60_000
    whole = f"{selector}[{_length(span)}]"
    yield Query(
        promql=f"avg_over_time({whole})",
        at_ms=span.end_ms,
        says="the share of good samples of each series",
    )
    yield Query(
        promql=f"count_over_time({whole})",
        at_ms=span.end_ms,
        says="how many samples there are; one each interval if nothing is missing",
    )
    for start, end in settled.windows.down[:_MOST_OUTAGES]:
        around = Window(start - 2 * interval_ms, end + interval_ms)
        yield Query(
            promql=f"{selector}[{_length(around)}]",
            at_ms=around.end_ms,
            says="the raw samples around an outage: it runs from the first 0 to the next 1",
        )


def narrowed(service: Service, contract: Contract) -> str:
    """Restrict the selector of a service to the series of a contract, where it is a selector."""
    matchers = contract.matchers or _by_label(service, contract)
    added = ",".join(map(str, matchers))
    selector = service.selector.strip()
    if not added or not re.fullmatch(r"[\w:]*(\{.*\})?", selector, re.DOTALL):
        return selector
    head, brace, _ = selector.rpartition("}")
    if not brace:
        return f"{selector}{{{added}}}"
    head = head.rstrip().rstrip(",")
    return f"{head}{added}}}" if head.endswith("{") else f"{head},{added}}}"


def _by_label(service: Service, contract: Contract) -> tuple[Matcher, ...]:
    if service.contract_label is None:
        return ()
    names = sorted({contract.id, contract.customer.id})
    return (Matcher(service.contract_label, "=~", "|".join(re.escape(name) for name in names)),)


def _length(span: Window) -> str:
    ms = span.length_ms
    return f"{ms}ms" if ms % 1000 else f"{ms // 1000}s"
