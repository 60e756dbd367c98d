"""What is replaced as a whole: two at once leave what one of them wrote, and neither fails.

The jobs of a replica run side by side, and so does a command of a person. On PostgreSQL they also
write side by side.
"""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window
from sla_exporter.ports.delivery import Difference, DifferenceKind
from sla_exporter.ports.figures import Standing
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.store import tables as t
from sla_exporter.store.billing import DatabaseBillingChecks
from sla_exporter.store.observations import Observations
from sla_exporter.store.settlements import Settlements
from sla_exporter.store.upserts import add
from tests.conftest import EVERY_STORE

STORES = EVERY_STORE
AT_ONCE = 12


@pytest.fixture
async def rows(database):
    """Count the rows of a table."""

    async def count(table) -> int:
        async with database.read() as connection:
            return await connection.scalar(select(func.count()).select_from(table))

    return count


def standing(contract: str, credit_minor: int) -> Standing:
    return Standing(
        contract=contract, customer="acme", service="web", policy="gold", period="2026-11",
        currency="EUR", credit_minor=credit_minor, objective=None, ratio=None, down_ms=0,
        unknown_ms=0,
    )  # fmt: skip


async def test_what_is_there_already_is_not_added_and_not_counted(database, rows):
    """Drivers count in ways of their own."""
    mark = {"service": "web", "until_ms": 1}
    async with database.write() as connection:
        assert await add(connection, t.repair_mark, []) == 0
        assert await add(connection, t.repair_mark, [mark]) == 1
        assert await add(connection, t.repair_mark, [mark, mark | {"service": "mail"}]) == 1
        assert await add(connection, t.repair_mark, [mark]) == 0

    assert await rows(t.repair_mark) == 2


async def test_how_open_periods_stand(database, rows):
    """Observing and reconciling both say so when they are done."""
    store = Settlements(database)
    asked = [[standing(f"c{n}", number) for n in range(40)] for number in range(AT_ONCE)]

    await asyncio.gather(*(store.stand(one) for one in asked))

    assert await rows(t.standing) == 40
    async with database.read() as connection:
        found = set((await connection.execute(select(t.standing.c.credit_minor))).scalars())
    assert len(found) == 1


async def test_what_differs_in_a_billing_system(database, rows):
    """The job and a person both read it back."""
    checks = DatabaseBillingChecks(database)

    def differences(number: int) -> list[Difference]:
        return [
            Difference(
                sink="whmcs", kind=DifferenceKind.MISSING, account="a", reference=f"r{n}",
                sentence=f"found by {number}",
            )
            for n in range(20)
        ]  # fmt: skip

    await asyncio.gather(*(checks.record("whmcs", differences(n), n) for n in range(AT_ONCE)))

    assert await rows(t.billing_difference) == 20
    assert await rows(t.billing_check) == 1


async def test_what_was_observed(database, rows):
    """The job, and a person who has a period measured again."""
    store, span = Observations(database), Window(0, 1_000)
    mark = Watermark(interval_ms=10, from_ms=0, fresh_until_ms=1_000, final_until_ms=1_000)
    states = {
        (("customer", f"c{n}"),): SeriesState(down=(Window(100, 200), Window(300, 400)))
        for n in range(20)
    }

    await asyncio.gather(
        *(store.record("web", span, Observation(states=states), mark) for _ in range(AT_ONCE))
    )

    assert await rows(t.series) == 20
    assert await rows(t.series_window) == 40
    assert await store.states("web", span) == states
