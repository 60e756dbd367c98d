"""The named cast of the tests.

*Acme* breaches its promise, *Birch* is clean, and *Cedar* must never be credited, nor be seen by
the others.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.catalogue import Catalogue, Contract, Customer, Mode, Service
from sla_exporter.core.money import Money
from sla_exporter.core.periods import Period, utc_text
from sla_exporter.core.policy.pay import Pay, share_of
from sla_exporter.core.policy.terms import Component, Objective, Policy
from sla_exporter.core.policy.tiers import Tier, Tiers
from sla_exporter.core.quorum import ALL
from sla_exporter.core.reasoning import Share
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.settlement import Evidence, Settlement, settle, settled_span
from sla_exporter.core.sli.probe import Probe
from sla_exporter.core.windows import Window
from sla_exporter.ports.incidents import RawRequest

if TYPE_CHECKING:
    from sla_exporter.core.incidents import IncidentWindow

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

OCTOBER = Period.month("2026-10", "UTC")
NOVEMBER_3 = OCTOBER.span.end_ms + 2 * DAY


def request_with(body: object, received_at_ms: int = 1) -> RawRequest:
    """Give a request with a body of Alertmanager's."""
    text = json.dumps(body).encode()
    return RawRequest(received_at_ms=received_at_ms, sender="http://am", body=text, truncated=0)


def telling(*windows: IncidentWindow, received_at_ms: int = 1) -> RawRequest:
    """Give the request by which Alertmanager tells of these windows."""
    alerts = [
        {
            "status": "firing" if window.ends_at_ms is None else "resolved",
            "labels": dict(window.labels),
            "annotations": dict(window.annotations),
            "startsAt": utc_text(window.starts_at_ms),
            "endsAt": utc_text(window.ends_at_ms or 0),  # nobody reads it of one that is firing
            "fingerprint": window.fingerprint,
        }
        for window in windows
    ]
    return request_with({"version": "4", "alerts": alerts}, received_at_ms)


def share(text: str) -> Share:
    return Share(Fraction(text) / 100)


def percent(text: str) -> Pay:
    return share_of(share(text).value)


GOLD = Policy(
    name="gold",
    objective=Objective(share=share("99.95")),
    credit=Component(
        formula=Tiers(
            rows=(
                Tier(below=share("99.95"), pays=percent("10")),
                Tier(below=share("99"), pays=percent("30")),
                Tier(below=share("95"), pays=percent("100")),
            )
        )
    ),
)

PROBE = Probe(selector='probe_success{job="web"}', interval_ms=MINUTE)
WEB = Service(name="web", sli=PROBE, contract_label="customer")

ACME = Customer(id="acme", name="Acme Ltda", currency="BRL", email=("ops@acme.example",))
BIRCH = Customer(id="birch", name="Birch & Sons", currency="EUR", email=("it@birch.example",))
CEDAR = Customer(id="cedar", name="Cedar Clinic", currency="EUR", email=("it@cedar.example",))


def contract(customer: Customer, fee: str = "100.00", **changes) -> Contract:
    plain = Contract(
        id=f"{customer.id}-web",
        customer=customer,
        service="web",
        policy="gold",
        fee=Money.of(fee, customer.currency),
        since=date(2025, 1, 1),
    )
    return replace(plain, **changes)


def catalogue(
    *contracts: Contract, mode: Mode = Mode.AUTOMATIC, policy: Policy = GOLD
) -> Catalogue:
    return Catalogue(
        services={"web": WEB},
        policies={policy.name: (policy,)},
        contracts=contracts or (contract(ACME, "499.90"), contract(BIRCH), contract(CEDAR)),
        mode=mode,
    )


def at(day: int, hour: float = 0, minute: float = 0, period: Period = OCTOBER) -> int:
    """Give a moment of the month."""
    start = period.span.start_ms + (day - 1) * DAY
    return start + round(hour * HOUR) + round(minute * MINUTE)


def outage(day: int, hour: float, minutes: float) -> Window:
    return Window(at(day, hour), at(day, hour, minutes))


def settled(
    *down: Window,
    unknown: tuple[Window, ...] = (),
    of: Contract | None = None,
    policy: Policy = GOLD,
    period: Period = OCTOBER,
    mode: Mode = Mode.AUTOMATIC,
    incidents=(),
    **more,
) -> Settlement:
    """Settle a month in which these were the troubles."""
    of = of or contract(ACME, "499.90")
    span = settled_span(of, period)
    assert span is not None
    state = SeriesState(down=tuple(down), unknown=unknown).within(span)
    evidence = Evidence(
        state=state,
        interval_ms=MINUTE,
        quorum=ALL,
        incidents=tuple(incidents),
        **{"series": 1, "measured": state} | more,
    )
    return settle(
        contract=of, policy=policy, period=period, span=span, evidence=evidence, mode=mode
    )
