"""Days on which a month's figure is easily got wrong, settled on real engines."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from sla_exporter.core.due import closing_in
from sla_exporter.core.periods import Period
from sla_exporter.core.settlement import Hold, Verdict
from sla_exporter.core.windows import Window, clip, total_ms
from sla_exporter.demo.history import ProbeSeries, openmetrics_name
from sla_exporter.flow.observe import Observer
from sla_exporter.flow.reconcile import Reconciler
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.ports.settling import Routes
from sla_exporter.sources.prometheus import PrometheusSource
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.exclusions import Exclusions
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.memory import MemoryObservations
from sla_exporter.store.settlements import Settlements
from tests.cast import DAY, MINUTE, catalogue

if TYPE_CHECKING:
    from sla_exporter.core.settlement import Settlement

MONTH = Period.month("2025-10", "UTC")
CUSTOMERS = ("acme", "birch", "cedar")
SEEN = Window(MONTH.span.start_ms - DAY, MONTH.span.end_ms + DAY)


def probes(down=(), missing=(), since=None):
    """Give the series of all customers; ``since`` is when Cedar came."""
    for customer in CUSTOMERS:
        labels = {"customer": customer, "job": "web"}
        start = since if since and customer == "cedar" else SEEN.start_ms
        series = ProbeSeries(
            labels=labels,
            span=Window(start, SEEN.end_ms),
            interval_ms=MINUTE,
            down=down,
            missing=missing,
        )
        yield openmetrics_name("probe_success", labels), series.samples()


@pytest.fixture
def settled_on(engine_with, database):
    """Measure the month on a real engine, and settle it."""

    async def settle(series) -> dict[str, Settlement]:
        source, store = PrometheusSource(engine_with(series)), MemoryObservations()
        settlements = Settlements(database)
        reconciler = Reconciler(
            observations=store,
            exclusions=Exclusions(database),
            incidents=Incidents(database),
            settlements=settlements,
            renderer=JinjaRenderer("Example Hosting"),
            routes=Routes(notices="file", credits="file", statements=True),
            settle_after_ms=0,
        )
        observer = Observer(source=source, store=store, settle_after_ms=0)
        try:
            await observer.observe_all(catalogue(), SEEN.end_ms, MONTH.label)
        finally:
            source.close()
        due = list(closing_in(catalogue(), MONTH.label))
        found = [s async for batch in reconciler.compute(catalogue(), due) for s in batch]
        return {settlement.contract.customer.id: settlement for settlement in found}

    return settle


@pytest.fixture
async def database(tmp_path):
    """A database; what is measured here stays in memory, so one kind is enough."""
    database = Database(sqlite_url(tmp_path / "bad-days.db"))
    await database.migrate()
    yield database
    await database.close()


def at(day: int) -> int:
    return MONTH.span.start_ms + (day - 1) * DAY


async def test_a_day_on_which_everything_is_down(settled_on):
    """A day of downtime for everybody; it is measured time, and nothing of it unknown."""
    day = Window(at(10), at(11))

    found = await settled_on(probes(down=(day,)))

    for settlement in found.values():
        assert settlement.evidence.state.down == (day,)
        assert settlement.evidence.state.unknown == ()
        assert settlement.outcome.measured.ratio == 1 - Fraction(DAY, MONTH.span.length_ms)
        assert settlement.verdict is Verdict.BREACHED
        assert settlement.holds == ()


async def test_a_day_on_which_prometheus_itself_was_down(settled_on):
    """Nobody knows: out of the calculation, no credit, and the month is covered well enough."""
    day = Window(at(10), at(11))

    found = await settled_on(probes(missing=(day,)))

    for settlement in found.values():
        assert settlement.evidence.state.down == ()
        (unknown,) = settlement.evidence.state.unknown
        # The last sample before stands for its own minute.
        assert unknown == Window(day.start_ms, day.end_ms)
        assert settlement.outcome.measured.ratio == 1
        assert settlement.verdict is Verdict.MET
        assert settlement.holds == ()


async def test_a_customer_who_appears_in_the_middle_of_the_month(settled_on):
    """Without samples before, the time is unknown and the settlement waits for a person."""

    found = await settled_on(probes(since=at(16)))
    cedar = found["cedar"]

    before = clip((Window(MONTH.span.start_ms, at(16)),), MONTH.span)
    assert cedar.evidence.state.unknown == before
    assert total_ms(cedar.evidence.state.down) == 0
    assert Hold.COVERAGE in cedar.holds
    assert [found[customer].holds for customer in ("acme", "birch")] == [(), ()]
