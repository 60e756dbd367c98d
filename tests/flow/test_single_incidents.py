"""Outages that count as a whole, where months and contracts begin and end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.periods import PeriodKind, PeriodRule
from sla_exporter.core.settlement import State
from sla_exporter.core.windows import Window
from tests.cast import ACME, DAY, GOLD, HOUR, MINUTE, OCTOBER, at, catalogue, contract
from tests.office import Office

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.catalogue import Catalogue

SINGLE = replace(GOLD, period=PeriodRule(kind=PeriodKind.INCIDENT))
END = OCTOBER.span.end_ms
NOTHING = {"2026-09": 0, "2026-10": 0, "2026-11": 0}


@pytest.fixture
def office(database) -> Office:
    return Office(database)


def book(**changes) -> Catalogue:
    return catalogue(contract(ACME, "499.90", **changes), policy=SINGLE)


async def settled(
    office: Office, of: Catalogue, down: Sequence[Window], months: Sequence[str] = tuple(NOTHING)
) -> dict[str, int]:
    """Settle three months, one after the other; give how long each was down."""
    await office.measured({"acme": down}, until_ms=at(70), from_ms=at(1) - 150 * DAY)
    for now_ms in (at(1), END, END + 30 * DAY):
        await office.settle(of, now_ms + 2 * DAY)
    found = [one for month in months for one in await office.store.settled(month)]
    assert await office.is_sound()
    return {one.period: one.down_ms for one in found}


@pytest.mark.parametrize(
    ("outage", "month"),
    [
        (Window(at(31, 12), END - MINUTE), "2026-10"),
        (Window(at(31, 12), END), "2026-11"),
        (Window(at(31, 12), END + MINUTE), "2026-11"),
        (Window(at(1) - HOUR, at(1)), "2026-10"),
    ],
)
async def test_an_outage_counts_in_the_month_in_which_it_was_over(office, outage, month):
    """Whole, once, and even if it ends at the very end of one."""
    assert await settled(office, book(), [outage]) == NOTHING | {month: outage.length_ms}


async def test_what_goes_on_when_the_contract_ends_counts_until_then(office):
    """There is no later month for it."""
    of = book(until=date(2026, 10, 20))

    found = await settled(office, of, [Window(at(20, 12), at(21, 12))])

    assert found == {"2026-09": 0, "2026-10": 12 * HOUR}


async def test_what_began_before_the_contract_counts_from_its_first_day(office):
    """An hour of it is the customer's."""
    of = book(since=date(2026, 10, 10))

    found = await settled(office, of, [Window(at(8), at(10, 1))])

    assert found == {"2026-10": HOUR, "2026-11": 0}


@pytest.mark.parametrize("ends_ms", [END, END + HOUR])
async def test_maintenance_of_the_month_before_excuses_what_began_in_it(office, ends_ms):
    """What is excluded counts as a whole too, and shortens the month by no more than lies in it."""
    down = Window(at(31, 12), ends_ms)
    stated = StatedExclusion(
        key="configuration/1",
        scope=Scope(contract="acme"),
        window=Window(at(31, 11), ends_ms),
        announced_at_ms=at(2),
        why="new disks",
    )

    found = await settled(office, replace(book(), exclusions=(stated,)), [down])

    assert found == NOTHING
    (november,) = await office.store.settled("2026-11")
    assert november.state is State.POSTED
    assert november.counted_ms == 30 * DAY - (ends_ms - END)
    told = [step.code for step in november.steps if "exclu" in step.code]
    assert told == ["exclusion_stated", "excluded"]
