"""Time that was settled already is not paid a second time without a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from sla_exporter.core.periods import PeriodKind, PeriodRule
from sla_exporter.core.settlement import Hold, State
from sla_exporter.core.windows import Window
from tests.cast import ACME, BIRCH, DAY, GOLD, NOVEMBER_3, catalogue, contract, outage
from tests.office import Office

DOWN = outage(3, 10, 600)
PLAIN = catalogue(contract(ACME, "499.90"))
NEW_YEAR_3 = NOVEMBER_3 + 61 * DAY


@pytest.fixture
async def office(database) -> Office:
    """Acme and Birch were down for ten hours in October, and Acme's was settled."""
    found = Office(database)
    await found.measured({"acme": [DOWN], "birch": [DOWN]}, until_ms=NEW_YEAR_3)
    await found.settle(PLAIN, NOVEMBER_3)
    assert await found.told() == [("grant", 14997)]
    return found


async def test_a_contract_that_is_moved_to_a_policy_with_other_periods(office):
    """October was paid, and lies in the quarter that ends after it."""
    quarters = replace(GOLD, period=PeriodRule(kind=PeriodKind.QUARTER))
    book = catalogue(contract(ACME, "499.90"), policy=quarters)

    await office.settle(book, NEW_YEAR_3)

    one = await office.one("acme-web/2026-Q4")
    assert (one.state, one.holds) == (State.HELD, (Hold.REVIEW,))
    assert "hold_overlap" in [step.code for step in one.steps]
    assert len(await office.entries()) == 1


async def test_a_contract_that_was_given_another_name(office):
    """It is new by its name, so that it begins with the month that was paid already."""
    await office.settle(catalogue(contract(ACME, "499.90", id="acme-site")), NOVEMBER_3)

    one = await office.one("acme-site/2026-10")
    assert (one.state, one.holds) == (State.HELD, (Hold.REVIEW,))
    told = next(step for step in one.steps if step.code == "hold_renamed")
    assert told.facts["other"] == "acme-web/2026-10"
    assert len(await office.entries()) == 1


@pytest.mark.parametrize(
    "other",
    [
        contract(BIRCH, "499.90"),
        contract(ACME, "499.90", id="acme-second", service="web"),
    ],
    ids=["another customer", "a second contract"],
)
async def test_who_is_new_is_paid_as_ever(office, other):
    """Nothing of theirs was settled under a name that is gone."""
    await office.settle(catalogue(contract(ACME, "499.90"), other), NOVEMBER_3)

    assert (await office.one(f"{other.id}/2026-10")).state is State.POSTED


async def test_a_change_of_plan_overlaps_nothing(office):
    """The contract that follows begins the day after, though the old one is taken out."""
    begun = date(2026, 11, 1)
    await office.measured(
        {"acme": [Window(DOWN.start_ms + 31 * DAY, DOWN.end_ms + 31 * DAY)]}, until_ms=NEW_YEAR_3
    )
    book = catalogue(contract(ACME, "999.90", id="acme-big", since=begun))

    await office.settle(book, NOVEMBER_3 + 30 * DAY)

    assert (await office.one("acme-big/2026-11")).state is State.POSTED
