"""What earlier periods mean for a later one: months in a row, and the most in twelve months."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.periods import Period
from sla_exporter.core.policy.claim import Claim
from sla_exporter.core.policy.flat import Flat
from sla_exporter.core.policy.pay import Pay, Unit
from sla_exporter.core.policy.streak import Streak
from sla_exporter.core.policy.terms import Cap, CapPer, Component
from sla_exporter.core.settlement import State
from sla_exporter.core.windows import Window
from tests.cast import ACME, DAY, GOLD, HOUR, catalogue, contract
from tests.office import ANA, Office

OCTOBER, NOVEMBER = (Period.month(f"2026-{number}", "UTC") for number in (10, 11))
FIFTY = Component(formula=Flat(pays=Pay(Unit.MONEY, Fraction(5000), "BRL")))
SIXTY_A_YEAR = Cap(limit=Pay(Unit.MONEY, Fraction(6000), "BRL"), per=CapPer.TWELVE_MONTHS)
CAPPED = replace(GOLD, credit=FIFTY, caps=(SIXTY_A_YEAR,))
IN_A_ROW = replace(GOLD, credit=Component(formula=Streak(periods=2, pays=Pay(Unit.MONTHS))))


@pytest.fixture
def office(database) -> Office:
    return Office(database)


def book(policy, mode=Mode.AUTOMATIC):
    return catalogue(contract(ACME, "499.90"), policy=policy, mode=mode)


async def closed(office: Office, policy, *months: Period, mode=Mode.AUTOMATIC) -> None:
    """Settle these months one after the other; Acme was down for a day in each of them."""
    down = [Window(m.span.start_ms + DAY, m.span.start_ms + 2 * DAY) for m in months]
    first_ms, last_ms = months[0].span.start_ms, months[-1].span.end_ms
    await office.measured({"acme": down}, from_ms=first_ms - DAY, until_ms=last_ms + 2 * DAY)
    for month in months:
        await office.settle(book(policy, mode), month.span.end_ms + 2 * DAY)


async def owed(office: Office, month: Period) -> int:
    return (await office.one(f"acme-web/{month.label}")).credit.minor


async def test_two_months_in_a_row(office):
    """The second one pays."""
    await closed(office, IN_A_ROW, OCTOBER, NOVEMBER)

    assert (await owed(office, OCTOBER), await owed(office, NOVEMBER)) == (0, 49990)


async def test_a_month_that_a_person_rejected_is_in_no_row(office):
    """It was the prober that failed, and what follows stands alone."""
    both = replace(GOLD, credit=FIFTY)
    await closed(office, both, OCTOBER, mode=Mode.REVIEW)
    held = await office.one("acme-web/2026-10")
    await office.decider.reject([held], book(both), ANA, OCTOBER.span.end_ms + 2 * DAY)

    await closed(office, IN_A_ROW, OCTOBER, NOVEMBER)

    assert await owed(office, NOVEMBER) == 0


@pytest.mark.parametrize(("first", "credit"), [("2025-10", 5000), ("2025-11", 1000)])
async def test_twelve_months_end_with_the_month_that_is_settled(office, first, credit):
    """What was given in the same month of the year before counts no more."""
    await closed(office, CAPPED, Period.month(first, "UTC"))

    await closed(office, CAPPED, OCTOBER)

    assert await owed(office, OCTOBER) == credit


async def test_what_is_held_counts_as_given(office):
    """Approved together, two months do not exceed what one of them leaves."""
    await closed(office, CAPPED, OCTOBER, NOVEMBER, mode=Mode.REVIEW)

    held = await office.store.held()
    await office.decider.approve(held, book(CAPPED), ANA, NOVEMBER.span.end_ms + 3 * DAY)

    assert await office.told() == [("grant", 5000), ("grant", 1000)]


async def test_what_waits_for_its_claim_counts_as_given(office):
    """Whether or not it is ever claimed."""
    await closed(office, replace(CAPPED, claim=Claim()), OCTOBER, NOVEMBER)

    assert (await office.one("acme-web/2026-10")).state is State.WAITING
    assert await owed(office, NOVEMBER) == 1000


async def test_what_was_rejected_counts_no_more(office):
    """Settled anew, the later month is given what it was denied."""
    await closed(office, CAPPED, OCTOBER, NOVEMBER, mode=Mode.REVIEW)
    october = await office.one("acme-web/2026-10")
    now_ms = NOVEMBER.span.end_ms + 2 * DAY + HOUR
    await office.decider.reject([october], book(CAPPED), ANA, now_ms)

    await office.again(book(CAPPED, Mode.REVIEW), "2026-11", ANA, now_ms)

    assert await owed(office, NOVEMBER) == 5000
