"""Intervals that are stated, inferred, changed: what is observed meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.sli.probe import Probe
from sla_exporter.errors import NotReady
from sla_exporter.flow.observe import Observer
from sla_exporter.store.memory import MemoryObservations
from tests.cast import ACME as ACME_LTD
from tests.cast import BIRCH as BIRCH_SONS
from tests.cast import DAY, MINUTE, WEB, catalogue, contract
from tests.flow.test_observe import ACME, T0, every_minute
from tests.listed import ListedSamples

SHORT_GAP = replace(WEB, name="short", sli=Probe(selector="x", max_gap_ms=45_000))


class Inferring(ListedSamples):
    """Says that the samples of every service come once a minute."""

    async def interval_ms(self, service, at_ms):
        return MINUTE


def two_services():
    contracts = [contract(ACME_LTD, service="short"), contract(BIRCH_SONS)]
    return replace(catalogue(*contracts), services={"short": SHORT_GAP, "web": WEB})


def observing(source) -> tuple[Observer, list[tuple[str, str]]]:
    failures: list[tuple[str, str]] = []
    watching = Observer(
        source=source,
        store=MemoryObservations(),
        settle_after_ms=2 * DAY,
        failed=lambda *what: failures.append(what),
    )
    return watching, failures


async def test_a_gap_under_the_inferred_interval_is_said_and_stops_no_other_service():
    """Only when the interval is inferred can it be seen."""
    source = Inferring({ACME: every_minute(T0 - 70 * DAY, T0)})
    watching, failures = observing(source)

    with pytest.raises(NotReady, match="max_gap is 45s, and its samples come every 60s"):
        await watching.observe_all(two_services(), T0)

    assert failures == [("short", "not_ready")]
    assert await watching.store.watermark("short") is None
    assert await watching.store.watermark("web") is not None


async def test_a_service_that_fails_in_a_way_it_should_not_stops_no_other():
    """A mistake of the program is counted, and shown at the end, as any other failure."""

    class Mistaken(Inferring):
        async def interval_ms(self, service, at_ms):
            raise ValueError("nobody thought of this")

    watching, failures = observing(Mistaken({ACME: every_minute(T0 - 70 * DAY, T0)}))

    with pytest.raises(ValueError, match="nobody thought of this"):
        await watching.observe_all(two_services(), T0)

    assert failures == [("short", "other")]
    assert await watching.store.watermark("web") is not None
