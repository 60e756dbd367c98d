"""What the database says, as metric families."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sla_exporter.core.claims import ClaimResult
from sla_exporter.core.money import Money
from sla_exporter.ports.delivery import DifferenceKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric

    from sla_exporter.ports.figures import Figures, Standing

CONTRACT_LABELS = ("contract", "customer", "service")


class StandingCollector(Collector):
    """Turns how the open periods stand into metric families."""

    def __init__(self, standings: Sequence[Standing], *, per_contract: bool) -> None:
        self._given = standings
        self._per_contract = per_contract

    def collect(self) -> Iterator[Metric]:
        """Give what they add up to, and each contract by itself if that is wanted."""
        yield from _exposure(self._given)
        if self._per_contract:
            yield from _standings(self._given)


class FigureCollector(Collector):
    """Turns everything else in one snapshot of the database into metric families."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Give all families; each is there even when it has no samples."""
        figures = self._figures
        yield from _issued(figures)
        yield _gauge(
            "sla_credits_held",
            "Credits that wait for a person.",
            ("currency", "reason"),
            {key: _major(minor, key[0]) for key, minor in figures.held.items()},
        )
        yield _counter(
            "sla_credits_reversed",
            "Credits taken back because a corrected one followed, or two people said so.",
            ("currency", "policy", "form"),
            {key: -_major(minor, key[0]) for key, (minor, _) in figures.reversed.items()},
        )
        yield _gauge(
            "sla_credits_carried",
            "Amounts under a minimum that are kept for the next credit.",
            ("currency",),
            {(currency,): _major(minor, currency) for currency, minor in figures.carried.items()},
        )
        yield _counter(
            "sla_breaches",
            "Settled periods in which the promise was broken.",
            ("policy", "service"),
            figures.breaches,
        )
        yield _gauge(
            "sla_breaches_without_credit",
            "Broken promises that were settled and moved no credit.",
            ("policy", "service"),
            figures.unpaid_breaches,
        )
        yield _by_sink("sla_deliveries_pending", "Orders that wait.", figures.pending)
        yield _by_sink("sla_deliveries_parked", "Orders that were given up.", figures.parked)
        yield _gauge(
            "sla_incident_windows_open", "Alerts still firing.", (), {(): figures.open_incidents}
        )
        yield _gauge(
            "sla_webhook_backlog",
            "Webhook requests that are kept and whose alerts are not joined yet.",
            (),
            {(): figures.webhook_backlog},
        )
        yield _gauge(
            "sla_observed_until_timestamp_seconds",
            "How far the samples of a service were read.",
            ("service",),
            {(service,): ms / 1000 for service, ms in figures.observed_until_ms.items()},
        )
        yield from _notices(figures)
        yield from _billing(figures)
        yield from _claims(figures)


def _issued(figures: Figures) -> Iterator[Metric]:
    labels = ("currency", "policy", "form")
    yield _counter(
        "sla_credits_issued",
        "Credits issued, in major units of the currency.",
        labels,
        {key: _major(minor, key[0]) for key, (minor, _) in figures.issued.items()},
    )
    yield _counter(
        "sla_credits_issued_count",
        "Credits issued, counted.",
        labels,
        {key: count for key, (_, count) in figures.issued.items()},
    )


def _notices(figures: Figures) -> Iterator[Metric]:
    yield _gauge(
        "sla_notices_held", "Notices that a person holds back.", (), {(): figures.notices_held}
    )
    yield _gauge(
        "sla_notices_stopped",
        "Whether a person stopped the sending of notices.",
        (),
        {(): int(figures.notices_stopped)},
    )
    yield _by_sink(
        "sla_notices_staged",
        "Notices that are due and wait until the first few were looked at.",
        figures.notices_staged,
    )


def _billing(figures: Figures) -> Iterator[Metric]:
    none = {(sink, kind.value): 0 for sink in figures.billing_checked_ms for kind in DifferenceKind}
    yield _gauge(
        "sla_billing_differences",
        "Credits about which a billing system and the ledger disagree.",
        ("sink", "kind"),
        none | dict(figures.billing_differences),
    )
    yield _gauge(
        "sla_billing_checked_timestamp_seconds",
        "When a billing system was last compared with the ledger.",
        ("sink",),
        {(sink,): at_ms / 1000 for sink, at_ms in figures.billing_checked_ms.items()},
    )


def _claims(figures: Figures) -> Iterator[Metric]:
    yield _counter(
        "sla_claims",
        "Claims of customers, by what came of them.",
        ("result",),
        {(result.value,): figures.claims.get(result, 0) for result in ClaimResult},
    )
    yield _gauge(
        "sla_claims_waiting",
        "What customers were told that they can claim, and have not claimed yet.",
        ("currency",),
        {(currency,): _major(minor, currency) for currency, minor in figures.waiting.items()},
    )


def _exposure(standings: Iterable[Standing]) -> Iterator[Metric]:
    now: Counter[tuple[str, str]] = Counter()
    per_hour: Counter[tuple[str, str]] = Counter()
    for standing in standings:
        now[standing.currency, standing.policy] += standing.credit_minor
        per_hour[standing.currency, standing.policy] += standing.per_hour_minor
    yield _gauge(
        "sla_credit_exposure",
        "What the open periods would cost as of now.",
        ("currency", "policy"),
        {key: _major(minor, key[0]) for key, minor in now.items()},
    )
    yield _gauge(
        "sla_outage_cost_per_minute",
        "What running outages add to the exposure a minute, over the next hour.",
        ("currency", "policy"),
        {key: _major(minor, key[0]) / 60 for key, minor in per_hour.items()},
    )


def _standings(standings: Iterable[Standing]) -> Iterator[Metric]:
    found = [((s.contract, s.customer, s.service), s) for s in standings]
    yield _gauge(
        "sla_availability_ratio",
        "Availability in the open period so far.",
        CONTRACT_LABELS,
        {key: float(Fraction(s.ratio)) for key, s in found if s.ratio},
    )
    yield _gauge(
        "sla_objective_ratio",
        "The availability that is promised.",
        CONTRACT_LABELS,
        {key: float(Fraction(s.objective)) for key, s in found if s.objective},
    )
    yield _gauge(
        "sla_downtime_seconds",
        "Downtime in the open period so far.",
        CONTRACT_LABELS,
        {key: s.down_ms / 1000 for key, s in found},
    )
    yield _gauge(
        "sla_contract_down",
        "Whether the contract was down when it was last looked at.",
        CONTRACT_LABELS,
        {key: int(s.is_down) for key, s in found},
    )
    yield _gauge(
        "sla_contract_exposure",
        "What the open period of the contract would cost as of now.",
        (*CONTRACT_LABELS, "currency"),
        {(*key, s.currency): _major(s.credit_minor, s.currency) for key, s in found},
    )
    yield _gauge(
        "sla_next_credit_seconds",
        "How much more downtime it takes until the credit rises.",
        CONTRACT_LABELS,
        {key: s.next_after_ms / 1000 for key, s in found if s.next_after_ms is not None},
    )
    yield _gauge(
        "sla_next_credit",
        "What the credit rises to then.",
        (*CONTRACT_LABELS, "currency"),
        {
            (*key, s.currency): _major(s.next_credit_minor, s.currency)
            for key, s in found
            if s.next_credit_minor is not None
        },
    )
    yield _gauge(
        "sla_unknown_seconds",
        "Time without measurements in the open period so far.",
        CONTRACT_LABELS,
        {key: s.unknown_ms / 1000 for key, s in found},
    )
    yield _gauge(
        "sla_vantage_disagreement_seconds",
        "Time in the open period in which vantage points were down without their quorum.",
        CONTRACT_LABELS,
        {key: s.disagreement_ms / 1000 for key, s in found},
    )


def _major(minor: int, currency: str) -> float:
    return float(Money(minor=minor, currency=currency).amount)


def _by_sink(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    return _gauge(name, text, ("sink",), {(sink,): count for sink, count in counts.items()})


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
