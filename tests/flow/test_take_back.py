"""Taking back what customers have: by two people, and as it was given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.money import Money
from sla_exporter.core.policy.terms import Form
from sla_exporter.ports.settling import DecisionKind
from tests.cast import (
    ACME,
    BIRCH,
    GOLD,
    NOVEMBER_3,
    catalogue,
    contract,
    outage,
)
from tests.flow.test_again import BOOK, CARRYING, KEY, LATER, office, posted
from tests.office import ANA, BO

__all__ = ["office"]  # the fixture


async def test_two_people_can_take_back(office):
    """The same person twice is one person; both names are kept."""
    await posted(office, outage(3, 10, 95))
    await office.measured({"acme": []}, until_ms=NOVEMBER_3)
    same = replace(ANA, by=" ANA ")

    fates = [
        (await office.again(BOOK, "2026-10", who, LATER, take_back=True))[KEY]
        for who in (ANA, same, BO)
    ]

    assert fates == ["waits for a second person"] * 2 + ["taken back"]
    assert await office.told() == [("grant", 4999), ("reversal", -4999)]
    decisions = await office.store.decisions([KEY])
    assert [(d.kind, d.by) for d in decisions if d.by in {"Ana", "Bo"}] == [
        (DecisionKind.TAKE_BACK, "Ana"),
        (DecisionKind.AGAIN, "Bo"),
    ]
    assert await office.is_sound()


async def test_two_people_must_mean_the_same_figure(office):
    """Between the two, more downtime came in: the second one becomes the first."""
    await posted(office, outage(3, 10, 700))
    await office.measured({"acme": []}, until_ms=NOVEMBER_3)
    await office.again(BOOK, "2026-10", ANA, LATER, take_back=True)
    await office.measured({"acme": [outage(3, 10, 95)]}, until_ms=NOVEMBER_3)

    fates = await office.again(BOOK, "2026-10", BO, LATER, take_back=True)

    assert fates == {KEY: "waits for a second person"}
    assert await office.told() == [("grant", 14997)]


async def test_what_is_reversed_is_what_was_granted(office):
    """The contract gives refunds by now; an account credit cannot be taken back as one."""
    await posted(office, outage(3, 10, 95))
    dearer = catalogue(contract(ACME, "599.90"), policy=replace(GOLD, form=Form.REFUND))

    await office.again(dearer, "2026-10", ANA, LATER)

    forms = [(one.kind.value, one.form) for one in await office.entries()]
    assert forms[1:] == [("reversal", Form.ACCOUNT_CREDIT), ("grant", Form.REFUND)]


@pytest.mark.parametrize("fee", ["499.90", "599.90"])
async def test_two_people_change_the_currency_of_what_was_granted(office, fee):
    """However many euros it is: the reais that the customer was told of are gone by it."""
    await posted(office, outage(3, 10, 95))
    euros = catalogue(replace(contract(ACME), fee=Money.of(fee, "EUR")))

    fates = [await office.again(euros, "2026-10", ANA, LATER)]
    fates += [await office.again(euros, "2026-10", w, LATER, take_back=True) for w in (ANA, BO)]

    assert [one[KEY] for one in fates] == [
        "left with the customer",
        "waits for a second person",
        "taken back",
    ]
    amounts = [str(one.amount) for one in await office.entries()]
    assert amounts == ["BRL 49.99", "BRL -49.99", f"EUR {fee[:2]}.99"]
    assert await office.is_sound()


async def test_what_was_kept_in_another_currency_stays(office):
    """The 40 centavos are no 40 cents, and go into no credit in euros."""
    await posted(office, outage(3, 10, 95), book=catalogue(contract(ACME, "4.00"), policy=CARRYING))
    euros = catalogue(replace(contract(ACME), fee=Money.of("499.90", "EUR")))

    fates = [await office.again(euros, "2026-10", w, LATER, take_back=True) for w in (ANA, BO)]

    assert [one[KEY] for one in fates] == ["left with the customer"] * 2
    assert await office.told() == [("carry", 40)]


async def test_what_a_customer_has_goes_to_no_other_without_two_people(office):
    """The contract is somebody else's by now, and the figure is higher."""
    await posted(office, outage(3, 10, 95))
    await office.measured({"birch": [outage(3, 10, 95)]}, until_ms=NOVEMBER_3)
    theirs = catalogue(contract(replace(BIRCH, currency="BRL"), "599.90", id="acme-web"))

    fates = [await office.again(theirs, "2026-10", ANA, LATER)]
    fates += [await office.again(theirs, "2026-10", w, LATER, take_back=True) for w in (ANA, BO)]

    assert [one[KEY] for one in fates][::2] == ["left with the customer", "taken back"]
    owners = [(one.customer, one.amount.minor) for one in await office.entries()]
    assert owners == [("acme", 4999), ("acme", -4999), ("birch", 5999)]
    assert await office.is_sound()


@pytest.mark.parametrize("minutes", [97, 0], ids=["the same figure", "taken back"])
async def test_what_was_posted_stays_with_whom_it_was_posted_for(office, minutes):
    """The customer has another id by now; the books are sound with that."""
    await posted(office, outage(3, 10, 95))
    down = [outage(3, 10, minutes)] if minutes else []
    await office.measured({"acme2": down}, until_ms=NOVEMBER_3)
    renamed = catalogue(contract(replace(ACME, id="acme2"), "499.90", id="acme-web"))

    for who in (ANA, BO):
        await office.again(renamed, "2026-10", who, LATER, take_back=True)

    found = await office.one(KEY)
    assert (found.revision, found.customer) == (2, "acme")
    assert await office.is_sound()


async def test_a_raise_that_is_held_for_a_renamed_customer_leaves_the_books_sound(office):
    """Nothing is said of the entries until somebody decides."""
    book = catalogue(contract(ACME, "4.00"), policy=CARRYING)
    await posted(office, outage(3, 10, 95), book=book)
    await office.measured({"acme2": [outage(3, 10, 600)]}, until_ms=NOVEMBER_3)
    of = contract(replace(ACME, id="acme2"), "4.00", id="acme-web")
    review = catalogue(of, policy=CARRYING, mode=Mode.REVIEW)

    assert await office.again(review, "2026-10", ANA, LATER) == {KEY: "held for a person"}

    assert await office.is_sound()
    await office.decider.approve([await office.one(KEY)], review, BO, LATER)
    assert await office.is_sound()
