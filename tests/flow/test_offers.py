"""Credits on request are offered, reminded of, and let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from sla_exporter.core.brakes import CAREFUL, Brakes, Budget
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.claims import Channel, ClaimResult
from sla_exporter.core.money import Money
from sla_exporter.core.policy.claim import Anchor, Claim, Deadline
from sla_exporter.core.settlement import Hold, State
from sla_exporter.ports.claims import Telling
from sla_exporter.store.figures import DatabaseFigures
from tests.cast import (
    ACME,
    BIRCH,
    DAY,
    GOLD,
    HOUR,
    MINUTE,
    NOVEMBER_3,
    catalogue,
    contract,
    outage,
)
from tests.flow.on_request import (
    ASKED,
    DOWN,
    KEY,
    UNTIL,
    claimed,
    listed,
    notices,
    settled,
)
from tests.office import ANA, Office


async def test_a_credit_on_request_is_offered_and_not_given(database):
    """Acme is told what it can claim and how; nothing is in the ledger, and nobody must act."""
    office = Office(database)

    await settled(office)

    one = await office.one(KEY)
    assert (one.state, one.claim_until_ms) == (State.WAITING, UNTIL)
    assert await office.entries() == []
    assert await office.store.held() == []
    figures = await DatabaseFigures(database).figures()
    assert (figures.waiting, figures.held) == ({"BRL": 4999}, {})
    told = await notices(database)
    assert {key.partition("/")[0] for key in told} == {"claim", "statement"}
    offer = told[f"claim/{KEY}"]
    assert office.letters.link(one) in offer.text
    assert office.letters.link(one) in offer.html
    assert "Dec 1, 2026" in offer.text
    assert "The objective of 99.95% was missed." in offer.text


@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.OBSERVE, State.OBSERVED), (Mode.REVIEW, State.HELD)]
)
async def test_nobody_is_told_before_the_mode_allows_it(database, mode, state):
    """In review a person releases first what the customer may then claim."""
    office = Office(database)
    book = await settled(office, mode=mode)

    assert (await office.one(KEY)).state is state
    assert f"claim/{KEY}" not in await notices(database)
    if mode is Mode.REVIEW:
        held = await office.decider.named([KEY])
        assert await office.decider.approve(held, book, ANA, NOVEMBER_3 + 1) == 1
        assert (await office.one(KEY)).state is State.WAITING
        assert await office.entries() == []
        assert f"claim/{KEY}" in await notices(database)


async def test_what_is_offered_counts_against_the_budgets(database):
    """Promised money is money: a second run for the same month finds the budget used."""
    brakes = replace(CAREFUL, period=Budget(count=1), run=Budget())
    office = Office(database, brakes=brakes)
    await office.measured({"acme": DOWN, "birch": DOWN}, until_ms=NOVEMBER_3)

    await office.settle(catalogue(contract(ACME, "499.90"), policy=ASKED), NOVEMBER_3)
    both = catalogue(contract(ACME, "499.90"), contract(BIRCH), policy=ASKED)
    await office.settle(both, NOVEMBER_3 + HOUR)

    assert (await office.one(KEY)).state is State.WAITING
    birch = await office.one("birch-web/2026-10")
    assert (birch.state, birch.holds) == (State.HELD, (Hold.CLAIM, Hold.BUDGET))


async def test_what_was_held_before_deadlines_were_kept_has_its_own(database):
    """An older version held it for the claim alone, and only its reasoning says until when."""
    office = Office(database)
    await settled(office, mode=Mode.REVIEW)

    old = replace(await office.one(KEY), holds=(Hold.CLAIM,), claim_until_ms=None)

    assert (old.released.state, old.released.claim_until_ms) == (State.WAITING, UNTIL)


async def test_what_nobody_claims_lapses_at_its_deadline_and_not_before(database):
    """Visibly, and a claim that came in time is still taken afterwards."""
    office = Office(database)
    book = await settled(office)

    assert await office.room.lapse(UNTIL - 1) == 0
    assert await office.room.lapse(UNTIL) == 1
    assert await office.room.lapse(UNTIL + DAY) == 0

    one = await office.one(KEY)
    assert (one.state, one.steps[-1].code) == (State.LAPSED, "claim_lapsed")
    assert (await DatabaseFigures(database).figures()).waiting == {}
    assert await office.is_sound()
    letter = claimed(UNTIL - DAY, channel=Channel.CLI)
    assert (await office.desk(ASKED).claim(book, letter, UNTIL)).result is ClaimResult.ACCEPTED
    one = await office.one(KEY)
    assert (one.state, await office.told()) == (State.POSTED, [("grant", 4999)])
    assert "claim_lapsed" not in [step.code for step in one.steps]


@pytest.mark.parametrize(
    ("within", "until"),
    [
        # From Thursday the 22nd, over the weekend on which clocks go back.
        (Deadline(of=Anchor.INCIDENT, business_days=5), "2026-10-30T00:00+01:00"),
        (Deadline(of=Anchor.INCIDENT, days=3), "2026-10-26T00:00+01:00"),
        (Deadline(of=Anchor.INCIDENT, hours=96), "2026-10-26T11:00+01:00"),
    ],
)
async def test_deadlines_are_days_of_the_contracts_zone(database, within, until):
    """A claim in the last millisecond is in time; the next one is late."""
    office = Office(database, plain=True)
    policy = replace(GOLD, claim=Claim(within=within))
    berlin = replace(ACME, zone="Europe/Berlin")
    book = catalogue(contract(berlin, "499.90"), policy=policy)
    end_ms = int(datetime.fromisoformat(until).timestamp()) * 1000
    begins = outage(22, 10, 95)  # 12:00 in Berlin, which is two hours ahead
    desk = office.desk(policy)

    await desk.claim(book, claimed(end_ms - 1), end_ms)
    await desk.claim(book, claimed(end_ms, ticket="7", ticket_at_ms=end_ms), end_ms)
    await office.measured({"acme": [begins]}, until_ms=NOVEMBER_3)
    await office.settle(book, NOVEMBER_3)

    results = [result for result, _ in await listed(office)]
    assert results == ["early", "early", "accepted", "late"]
    assert (await office.one(KEY)).claim_until_ms == end_ms
    assert await office.told() == [("grant", 4999)]


async def test_what_is_too_late_when_it_is_settled_is_not_offered(database):
    """The text gives five days from the outage; the statement says that nobody claimed."""
    office = Office(database)

    await settled(office, replace(GOLD, claim=Claim(within=Deadline(business_days=5))))

    assert (await office.one(KEY)).state is State.LAPSED
    told = await notices(database)
    assert f"claim/{KEY}" not in told
    assert "Nobody claimed the credit before Oct 10, 2026" in told[f"statement/{KEY}"].text


async def test_a_reminder_is_sent_once_and_only_while_it_helps(database):
    """Seven days before the deadline, to Acme alone."""
    office = Office(database)
    book = await settled(office)

    sent = [
        await office.room.remind(book, at_ms)
        for at_ms in (UNTIL - 7 * DAY - 1, UNTIL - 7 * DAY, UNTIL - 6 * DAY, UNTIL)
    ]

    assert sent == [0, 1, 0, 0]
    reminder = (await notices(database))[f"claim_reminder/{KEY}"]
    assert reminder.recipients == ACME.email
    assert office.letters.link(await office.one(KEY)) in reminder.text


async def test_nobody_is_reminded_of_what_they_claimed(database):
    """The claim came between looking and writing."""
    office = Office(database)
    book = await settled(office)
    (waiting,) = await office.claims.to_remind(UNTIL - DAY, 10)
    notice = office.letters.reminder(waiting, ACME)
    await office.desk(ASKED).claim(book, claimed(), NOVEMBER_3 + HOUR)

    told = await office.claims.tell(
        [Telling(settled=waiting, notice=notice, orders=())], UNTIL - DAY
    )

    assert told == 0
    assert notice.key not in await notices(database)


@pytest.mark.parametrize("by", ["brake", "mode"])
async def test_a_raise_that_would_be_held_leaves_the_offer_as_it_is(database, by):
    """Acme can claim what they were told; what is more is a person's to release after that."""
    office = Office(database)
    book = await settled(office)
    if by == "mode":
        book = replace(book, mode=Mode.REVIEW)
    else:
        brakes = Brakes(most=(Money(minor=6000, currency="BRL"),))
        office.reconciler = replace(office.reconciler, brakes=brakes)
    before = await office.one(KEY)
    await office.measured({"acme": [outage(3, 10, 600)]}, until_ms=NOVEMBER_3)

    offered = await office.again(book, "2026-10", ANA, NOVEMBER_3)
    unchanged = await office.one(KEY)
    await office.desk(ASKED).claim(book, claimed(), NOVEMBER_3 + HOUR)
    claimed_already = await office.again(book, "2026-10", ANA, NOVEMBER_3 + DAY)

    assert offered[KEY].startswith("not written")
    assert unchanged == before
    assert claimed_already[KEY] == "held for a person"
    assert await office.told() == [("grant", 4999)]
    await office.decider.approve(await office.store.held(), book, ANA, NOVEMBER_3 + DAY)
    assert (await office.told())[1:] == [("reversal", -4999), ("grant", 14997)]
    assert await office.is_sound()


async def test_settling_anew_offers_more_and_never_less(database):
    """A higher figure is offered anew; a lower one stays as it was told."""
    office = Office(database)
    book = await settled(office, down=[outage(3, 10, 600)])

    await office.measured({"acme": [outage(3, 10, 60)]}, until_ms=NOVEMBER_3)
    less = await office.again(book, "2026-10", ANA, NOVEMBER_3 + DAY)
    one = await office.one(KEY)
    assert (less[KEY], one.credit.minor) == ("left with the customer", 14997)

    await office.measured({"acme": [outage(3, 10, 6000)]}, until_ms=NOVEMBER_3)
    more = await office.again(book, "2026-10", ANA, NOVEMBER_3 + DAY)
    one = await office.one(KEY)
    assert (more[KEY], one.state, one.revision) == ("settled anew", State.WAITING, 2)
    sent = [await office.room.remind(book, UNTIL - DAY) for _ in range(2)]
    assert sent == [1, 0]
    told = {f"claim/{KEY}", f"claim/{KEY}/2", f"claim_reminder/{KEY}/2"}
    assert told <= set(await notices(database))
    assert one.down_ms == MINUTE * 6000
