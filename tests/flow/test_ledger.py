"""The ledger over time: what is carried, what expires, what follows a change of plan or price."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.ledger import EntryKind
from sla_exporter.core.money import Money
from sla_exporter.core.policy.claim import Claim
from sla_exporter.core.policy.terms import Minimum
from sla_exporter.core.windows import Window
from tests.cast import ACME, DAY, GOLD, HOUR, NOVEMBER_3, OCTOBER, at, catalogue, contract, outage
from tests.flow.on_request import claimed
from tests.office import ANA, Office

CARRYING = replace(GOLD, minimum=Minimum(money=Money.of("1.00", "BRL"), carry=True))
NOVEMBER, DECEMBER = OCTOBER.following, OCTOBER.following.following
DECEMBER_3, JANUARY_3 = (p.span.end_ms + 2 * DAY for p in (NOVEMBER, DECEMBER))


def trouble(*periods):
    """One outage of 95 minutes on the third of each month: 10 % of the fee."""
    return [type(outage(3, 10, 95))(at(3, 10, period=p), at(3, 10, 95, period=p)) for p in periods]


@pytest.fixture
def office(database) -> Office:
    return Office(database)


async def test_what_is_under_the_minimum_is_kept_until_it_is_enough(office):
    """Three times 40 cents with a minimum of one real: nothing, nothing, 1.20."""
    book = catalogue(contract(ACME, "4.00"), policy=CARRYING)
    await office.measured({"acme": trouble(OCTOBER, NOVEMBER, DECEMBER)}, until_ms=JANUARY_3)

    for now_ms in (NOVEMBER_3, DECEMBER_3, JANUARY_3):
        await office.settle(book, now_ms)

    assert await office.told() == [("carry", 40), ("carry", 40), ("carry", -80), ("grant", 120)]
    assert await office.balance("acme-web") == (120, 0)
    told = (await office.one("acme-web/2026-12")).steps
    assert "carried_in" in [step.code for step in told]
    assert await office.is_sound()


async def test_months_that_are_settled_late_hand_on_what_they_keep(office):
    """Three months at once come to the same as one after the other."""
    book = catalogue(contract(ACME, "4.00"), policy=CARRYING)
    await office.measured({"acme": trouble(OCTOBER, NOVEMBER, DECEMBER)}, until_ms=JANUARY_3)
    await office.settle(book, NOVEMBER_3)

    await office.settle(book, JANUARY_3)

    assert await office.balance("acme-web") == (120, 0)
    assert await office.is_sound()


async def test_a_credit_expires_once(office):
    """After its time nothing of it is left, however often one looks."""
    book = catalogue(contract(ACME, "499.90"), policy=replace(GOLD, expires_ms=90 * DAY))
    await office.measured({"acme": trouble(OCTOBER)}, until_ms=NOVEMBER_3)
    await office.settle(book, NOVEMBER_3)

    assert await office.keep_up(book, NOVEMBER_3 + 90 * DAY - 1) == 0
    assert [await office.keep_up(book, NOVEMBER_3 + 90 * DAY) for _ in range(2)] == [1, 0]
    assert await office.told() == [("grant", 4999), ("expiry", -4999)]
    assert await office.balance("acme-web") == (0, 0)
    assert await office.is_sound()


async def test_what_is_carried_is_forfeited_when_the_contract_ends(office):
    """There is no next credit that it could be added to."""
    ending = contract(ACME, "4.00", until=date(2026, 10, 31))
    book = catalogue(ending, policy=CARRYING)
    await office.measured({"acme": trouble(OCTOBER)}, until_ms=NOVEMBER_3)
    await office.settle(book, NOVEMBER_3)

    assert [await office.keep_up(book, NOVEMBER_3) for _ in range(2)] == [1, 0]
    assert await office.told() == [("carry", 40), ("forfeit", -40)]
    assert await office.is_sound()


@pytest.mark.parametrize("waits", ["held", "waiting"])
async def test_what_a_waiting_credit_will_use_is_not_forfeited_meanwhile(office, waits):
    """October's 40 cents are in the 1.60 that November was told, which is the last month."""
    policy = CARRYING if waits == "held" else replace(CARRYING, claim=Claim())
    book = catalogue(contract(ACME, "4.00", until=date(2026, 11, 30)), policy=policy)
    review = replace(book, mode=Mode.REVIEW if waits == "held" else Mode.AUTOMATIC)
    long = Window(at(3, 10, period=NOVEMBER), at(3, 20, period=NOVEMBER))
    await office.measured({"acme": [*trouble(OCTOBER), long]}, until_ms=DECEMBER_3)
    await office.settle(book, NOVEMBER_3)
    await office.settle(review, DECEMBER_3)
    november = await office.one("acme-web/2026-11")
    assert (november.state.value, november.credit.minor) == (waits, 160)

    assert await office.keep_up(book, DECEMBER_3) == 0

    if waits == "held":
        await office.decider.approve([november], book, ANA, DECEMBER_3)
    else:
        claim = claimed(DECEMBER_3, settlement=november.key)
        await office.desk(policy).claim(book, claim, DECEMBER_3)
    assert await office.told() == [("carry", 40), ("carry", -40), ("grant", 160)]
    assert await office.is_sound()


async def test_what_is_carried_after_a_forfeit_is_forfeited_too(office):
    """October turns out to be worth 40 cents more when November, the last month, is closed."""
    until = date(2026, 11, 30)
    book = catalogue(contract(ACME, "4.00", until=until), policy=CARRYING)
    await office.measured({"acme": trouble(OCTOBER)}, until_ms=DECEMBER_3)
    await office.settle(book, NOVEMBER_3)
    await office.settle(book, DECEMBER_3)
    await office.keep_up(book, DECEMBER_3)
    dearer = catalogue(contract(ACME, "8.00", until=until), policy=CARRYING)
    await office.again(dearer, "2026-10", ANA, DECEMBER_3 + DAY)

    assert [await office.keep_up(dearer, DECEMBER_3 + DAY) for _ in range(2)] == [1, 0]

    assert await office.told() == [("carry", 40), ("forfeit", -40)] * 2
    assert await office.is_sound()


async def test_what_is_carried_goes_with_a_change_of_plan(office):
    """The old contract ends on the 15th, the new one begins on the 16th: each has its own part."""
    old = contract(ACME, "4.00", until=date(2026, 10, 15))
    new = contract(ACME, "499.90", id="acme-big", since=date(2026, 10, 16))
    book = catalogue(old, new, policy=CARRYING)
    await office.measured({"acme": trouble(OCTOBER)}, until_ms=NOVEMBER_3)
    await office.settle(book, NOVEMBER_3)

    await office.keep_up(book, NOVEMBER_3)

    assert await office.balance("acme-web") == (0, 0)
    assert await office.balance("acme-big") == (0, 40)
    assert (await office.one("acme-web/2026-10")).credit.minor == 0
    assert await office.is_sound()


async def test_a_price_that_changed_counts_for_its_part_of_the_month(office):
    """100.00 for ten days and 200.00 for 21 days is 167.74; a tenth of it is 16.77."""
    dearer = contract(
        ACME, "100.00", price_changes=((date(2026, 10, 11), Money.of("200.00", "BRL")),)
    )
    await office.measured({"acme": trouble(OCTOBER)}, until_ms=NOVEMBER_3)

    await office.settle(catalogue(dearer), NOVEMBER_3)

    found = await office.one("acme-web/2026-10")
    assert found.credit.minor == 1677
    assert found.fee.minor == 16774
    assert "price_change" in [step.code for step in found.steps]


async def test_a_fee_that_changed_long_ago_is_the_fee(office):
    """The first fee of a contract is not for ever."""
    dearer = contract(
        ACME, "100.00", price_changes=((date(2026, 1, 1), Money.of("200.00", "BRL")),)
    )
    await office.measured({"acme": trouble(OCTOBER)}, until_ms=NOVEMBER_3)

    await office.settle(catalogue(dearer), NOVEMBER_3)

    assert (await office.one("acme-web/2026-10")).credit.minor == 2000


async def test_grants_say_until_when_they_can_be_used(office):
    """For billing systems that end credits by themselves."""
    book = catalogue(contract(ACME, "499.90"), policy=replace(GOLD, expires_ms=HOUR))
    await office.measured({"acme": trouble(OCTOBER)}, until_ms=NOVEMBER_3)

    await office.settle(book, NOVEMBER_3)

    (grant,) = await office.entries()
    assert (grant.kind, grant.expires_at_ms) == (EntryKind.GRANT, NOVEMBER_3 + HOUR)
