"""Scrapes: what is written once and served until it changes is what would be written anew."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiohttp.test_utils import make_mocked_request
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from sla_exporter.metrics import MetricsHandler, ProcessMetrics
from sla_exporter.ports.figures import Standing
from sla_exporter.store.engine import Database, sqlite_url
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.settlements import Settlements

ACME = Standing(
    contract="acme-web",
    customer="acme",
    service="web",
    policy="gold",
    period="2026-10",
    currency="BRL",
    credit_minor=4999,
    objective="1999/2000",
    ratio="997/1000",
    down_ms=60_000,
    unknown_ms=0,
)
OPEN_METRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}


def scraper(database: Database, *, per_contract: bool = True) -> MetricsHandler:
    return MetricsHandler(
        process=ProcessMetrics(),
        figures=DatabaseFigures(database),
        per_contract=lambda: per_contract,
    )


async def said(handler: MetricsHandler, path: str = "/metrics", **headers: str) -> str:
    response = await handler.serve(make_mocked_request("GET", path, headers=headers))
    return response.body.decode()


def credit_in(text: str) -> list[float]:
    families = text_string_to_metric_families(text)
    (found,) = [one for one in families if one.name == "sla_credit_exposure"]
    return [sample.value for sample in found.samples]


async def test_a_change_is_seen_by_the_next_scrape(database):
    """However often it was scraped before, and by whichever replica it was made."""
    handler, store = scraper(database), Settlements(database)
    await store.stand([ACME])

    assert credit_in(await said(handler)) == [49.99]
    assert credit_in(await said(handler)) == [49.99]
    await store.stand([replace(ACME, credit_minor=9998)])
    assert credit_in(await said(handler)) == [99.98]
    await store.stand([])
    assert credit_in(await said(handler)) == []


async def test_what_did_not_change_is_read_once(database):
    """The very same list comes back, so nobody need compare it."""
    figures = DatabaseFigures(database)
    await Settlements(database).stand([ACME])

    first = await figures.figures()
    second = await figures.figures()

    assert list(first.standings) == [ACME]
    assert second.standings is first.standings


@pytest.mark.parametrize("headers", [{}, OPEN_METRICS])
async def test_both_parts_are_one_valid_answer(tmp_path, headers):
    """In either format, at the first scrape and at the next."""
    database = Database(sqlite_url(tmp_path / "test.db"))
    await database.migrate()
    await Settlements(database).stand([ACME])
    handler = scraper(database)
    read = openmetrics.text_string_to_metric_families if headers else text_string_to_metric_families

    first, second = await said(handler, **headers), await said(handler, **headers)
    names = [family.name for family in read(second)]

    assert first == second
    assert len(names) == len(set(names))
    assert {"sla_availability_ratio", "sla_build_info"} <= {n.removesuffix("_total") for n in names}
    assert second.count("# EOF") == (1 if headers else 0)
    await database.close()


async def test_names_pick_from_both_parts(database):
    """As with any exporter."""
    handler = scraper(database)
    await Settlements(database).stand([ACME])

    text = await said(handler, "/metrics?name[]=sla_availability_ratio&name[]=sla_lease_held")

    families = text_string_to_metric_families(text)
    assert {family.name for family in families} == {"sla_availability_ratio", "sla_lease_held"}


async def test_series_of_contracts_can_be_switched_off(database):
    """What they add up to stays."""
    await Settlements(database).stand([ACME])

    text = await said(scraper(database, per_contract=False))

    assert "acme" not in text
    assert credit_in(text) == [49.99]


async def test_scrapes_side_by_side_get_the_same(database):
    """Two Prometheus of a pair come at the same moment."""
    await Settlements(database).stand([ACME])
    handler = scraper(database)

    texts = await asyncio.gather(*(said(handler) for _ in range(5)))

    assert len(set(texts)) == 1
