"""Credits on request are claimed once, in time, and by whom they are for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from fractions import Fraction

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sla_exporter.core.brakes import CAREFUL
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.claims import Channel, ClaimResult
from sla_exporter.core.money import Money
from sla_exporter.core.settlement import Hold, State
from sla_exporter.core.windows import Window
from sla_exporter.errors import DecisionRefused, UnknownName
from tests.cast import (
    ACME,
    CEDAR,
    DAY,
    GOLD,
    HOUR,
    NOVEMBER_3,
    at,
    outage,
)
from tests.flow.on_request import (
    ASKED,
    KEY,
    REPORTED,
    TICKETED,
    UNTIL,
    book_of,
    claimed,
    listed,
    notices,
    settled,
)
from tests.office import ANA, Office


async def test_a_claim_sets_the_credit_free_once(database):
    """The second claim finds nothing left."""
    office = Office(database)
    book = await settled(office)

    first = await office.desk(ASKED).claim(book, claimed(), NOVEMBER_3 + HOUR)
    second = await office.desk(ASKED).claim(book, claimed(by="other"), NOVEMBER_3 + 2 * HOUR)

    assert (first.result, second.result) == (ClaimResult.ACCEPTED, ClaimResult.DUPLICATE)
    assert await office.told() == [("grant", 4999)]
    one = await office.one(KEY)
    assert (one.state, one.holds) == (State.POSTED, ())
    codes = [step.code for step in one.steps if "claim" in step.code]
    assert codes == ["claim_received", "claim_made"]
    told = await notices(database)
    assert "The credit was claimed in time" in told[f"credit/{KEY}"].text
    assert await listed(office) == [("accepted", KEY), ("duplicate", KEY)]
    assert await office.is_sound()


@pytest.mark.parametrize("channels", [[Channel.LINK] * 8, [Channel.LINK, Channel.API] * 4])
async def test_claims_at_the_same_instant_give_one_credit(database, channels):
    """The button is pressed twice, or the desk enters what the customer just did."""
    office = Office(database)
    book = await settled(office)

    async def claim(channel):
        stated = claimed(channel=channel)
        return (await office.desk(ASKED).claim(book, stated, NOVEMBER_3 + HOUR)).result

    results = await asyncio.gather(*map(claim, channels))

    assert sorted(results) == [ClaimResult.ACCEPTED, *[ClaimResult.DUPLICATE] * 7]
    assert await office.told() == [("grant", 4999)]
    told = await notices(database)
    assert [key for key in told if key.startswith("credit/")] == [f"credit/{KEY}"]
    assert await office.is_sound()


async def test_claims_cannot_be_changed(database):
    """Neither what was said nor what came of it."""
    office = Office(database)
    book = await settled(office)
    await office.desk(ASKED).claim(book, claimed(), NOVEMBER_3 + HOUR)

    for statement in ("UPDATE claim SET result = 'late'", "DELETE FROM claim"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.write() as connection:
                await connection.execute(text(statement))


async def test_a_claim_bypasses_no_brake(database):
    """What is held for its size stays held, and the claim is kept; one decision then posts it."""
    office = Office(database, brakes=replace(CAREFUL, most=(Money.of("1.00", "BRL"),)))
    book = await settled(office)

    judged = await office.desk(ASKED).claim(book, claimed(), NOVEMBER_3 + HOUR)

    one = await office.one(KEY)
    assert judged.result is ClaimResult.ACCEPTED
    assert (one.state, one.holds) == (State.HELD, (Hold.SIZE,))
    assert await office.entries() == []
    held = await office.decider.named([KEY])
    assert await office.decider.approve(held, book, ANA, NOVEMBER_3 + 2 * HOUR) == 1
    assert await office.told() == [("grant", 4999)]
    assert f"claim/{KEY}" not in await notices(database)


async def test_a_decision_made_on_an_old_view_changes_nothing(database):
    """Ana approves what she saw as unclaimed; it was claimed meanwhile, and stays so."""
    office = Office(database, brakes=replace(CAREFUL, most=(Money.of("1.00", "BRL"),)))
    book = await settled(office)
    seen = await office.decider.named([KEY])
    await office.desk(ASKED).claim(book, claimed(), NOVEMBER_3 + HOUR)

    assert await office.decider.approve(seen, book, ANA, NOVEMBER_3 + 2 * HOUR) == 0

    one = await office.one(KEY)
    assert (one.state, one.holds) == (State.HELD, (Hold.SIZE,))


async def test_what_must_be_claimed_is_not_approved_when_it_is_too_late(database):
    """The customer never had a chance; a person must say what is to become of it."""
    office = Office(database)
    book = await settled(office, mode=Mode.REVIEW)
    held = await office.decider.named([KEY])

    with pytest.raises(DecisionRefused, match="had to be claimed before 2026-12-01T00:00:00Z"):
        await office.decider.approve(held, book, ANA, UNTIL)

    letter = claimed(NOVEMBER_3 + DAY, channel=Channel.CLI)
    assert (await office.desk(ASKED).claim(book, letter, UNTIL)).result is ClaimResult.ACCEPTED
    held = await office.decider.named([KEY])
    assert await office.decider.approve(held, book, ANA, UNTIL) == 1
    assert await office.told() == [("grant", 4999)]


async def test_an_early_claim_is_found_when_the_period_is_settled(database):
    """Nobody is asked to claim what was claimed already."""
    office = Office(database)
    early = claimed(at(4), window=Window(at(3, 10), at(3, 11)))
    desk, book = office.desk(ASKED), book_of(ASKED)

    first = await desk.claim(book, early, at(4))
    second = await desk.claim(book, replace(early, by="again"), at(5))
    await settled(office)

    assert (first.result, second.result) == (ClaimResult.EARLY, ClaimResult.DUPLICATE)
    assert (await office.one(KEY)).state is State.POSTED
    assert await office.told() == [("grant", 4999)]
    assert f"claim/{KEY}" not in await notices(database)
    assert await listed(office) == [("early", KEY), ("duplicate", KEY), ("accepted", KEY)]
    assert await desk.catch_up(book, NOVEMBER_3 + 1) == 0


async def test_an_early_claim_that_met_the_settling_is_caught_up_with(database):
    """It was stored after the run had looked for claims, and before the run wrote."""
    office = Office(database)
    desk, book = office.desk(ASKED), book_of(ASKED)

    class Blind(type(office.claims)):
        async def said(self, _keys):
            return {}

    await desk.claim(book, claimed(at(4)), at(4))
    office.reconciler = replace(office.reconciler, claims=Blind(database))
    await settled(office)
    assert (await office.one(KEY)).state is State.WAITING

    assert await desk.catch_up(book, NOVEMBER_3 + 1) == 1
    assert await desk.catch_up(book, NOVEMBER_3 + 2) == 0

    assert await office.told() == [("grant", 4999)]


async def test_a_late_claim_is_refused_and_its_customer_told_why(database):
    """Once, however often it is repeated."""
    office = Office(database)
    book = await settled(office)

    for _ in range(2):
        judged = await office.desk(ASKED).claim(book, claimed(UNTIL), UNTIL)

    assert judged.result is ClaimResult.LATE
    assert await office.entries() == []
    refusal = (await notices(database))[f"claim_refused/{KEY}"]
    assert "it had to come before Dec 1, 2026" in refusal.text
    assert refusal.recipients == ACME.email
    assert await listed(office) == [("late", KEY)]


@pytest.mark.parametrize(
    ("window", "result"),
    [
        (Window(at(3, 10, -10), at(3, 11)), ClaimResult.ACCEPTED),
        (Window(at(3, 9), at(3, 9, 46)), ClaimResult.ACCEPTED),  # within a quarter of an hour
        (Window(at(3, 9), at(3, 9, 45)), ClaimResult.NO_MATCH),
        (Window(at(20, 10), at(20, 11)), ClaimResult.NO_MATCH),
    ],
)
async def test_named_times_are_held_against_what_was_measured(database, window, result):
    """Whoever enters a claim that matches nothing reads what was measured instead."""
    office = Office(database)
    book = await settled(office)

    judged = await office.desk(ASKED).claim(book, claimed(window=window), NOVEMBER_3 + HOUR)

    assert judged.result is result
    given = [("grant", 4999)] if result is ClaimResult.ACCEPTED else []
    assert await office.told() == given
    if result is ClaimResult.NO_MATCH:
        assert [step.code for step in judged.reasons][-2:] == ["claim_no_match", "outage"]


async def test_a_report_starts_the_clock_of_the_outage_that_it_speaks_of(database):
    """Two outages of six hours; one was reported an hour after it began, and pays for five."""
    office = Office(database)
    down = [outage(3, 10, 360), outage(20, 10, 360)]
    early = claimed(at(3, 11), window=Window(at(3, 10), at(3, 11)), ticket_at_ms=at(3, 11))

    await office.desk(REPORTED).claim(book_of(REPORTED), early, at(3, 12))
    await settled(office, REPORTED, down=down)

    one = await office.one(KEY)
    assert (one.state, one.down_ms) == (State.POSTED, 5 * HOUR)
    assert [s.code for s in one.steps if "report" in s.code] == [
        "clock_from_report",
        "not_reported",
    ]
    assert one.ratio == 1 - Fraction(5 * HOUR, 31 * DAY)
    assert await office.told() == [("grant", 4999)]


async def test_what_only_the_customer_says_waits_for_a_person(database):
    """A ticket that nobody had entered makes a credit due that no brake has seen."""
    office = Office(database)
    book = await settled(office, REPORTED, down=[outage(3, 10, 360)])
    assert (await office.one(KEY)).state is State.POSTED
    assert await office.entries() == []
    late = claimed(window=Window(at(3, 10), at(3, 16)), ticket="T-7", ticket_at_ms=at(3, 11))

    judged = await office.desk(REPORTED).claim(book, late, NOVEMBER_3 + HOUR)

    one = await office.one(KEY)
    assert judged.result is ClaimResult.ACCEPTED
    assert (one.state, one.holds, one.revision) == (State.HELD, (Hold.STATED,), 2)
    assert await office.entries() == []
    again = await office.desk(REPORTED).claim(book, replace(late, by="x"), NOVEMBER_3 + 2 * HOUR)
    assert again.result is ClaimResult.DUPLICATE
    held = await office.decider.named([KEY])
    assert await office.decider.approve(held, book, ANA, NOVEMBER_3 + 2 * HOUR) == 1
    assert await office.told() == [("grant", 4999)]
    assert await office.is_sound()


@pytest.mark.parametrize(
    ("policy", "stated", "code"),
    [
        (ASKED, claimed(settlement="birch-web/2026-10", contract="birch-web"), "claim_nothing_due"),
        (GOLD, claimed(), "claim_not_needed"),
        (TICKETED, claimed(), "claim_no_ticket"),
    ],
)
async def test_where_nothing_is_to_be_claimed_claims_are_refused_and_kept(
    database, policy, stated, code
):
    """Birch is clean; Gold's credits come by themselves; a ticket is missing."""
    office = Office(database)
    book = await settled(office, policy)
    before = await office.told()

    judged = await office.desk(policy).claim(book, stated, NOVEMBER_3 + HOUR)

    assert (judged.result, judged.reasons[-1].code) == (ClaimResult.REFUSED, code)
    assert await office.told() == before
    assert await listed(office) == [("refused", stated.settlement)]


async def test_what_was_rejected_cannot_be_claimed(database):
    """A person decided."""
    office = Office(database)
    book = await settled(office, mode=Mode.REVIEW)
    held = await office.decider.named([KEY])
    await office.decider.reject(held, book, ANA, NOVEMBER_3 + 1)

    judged = await office.desk(ASKED).claim(book, claimed(), NOVEMBER_3 + HOUR)

    assert judged.reasons[-1].code == "claim_rejected"
    assert await office.entries() == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"contract": "nobody", "settlement": "nobody/2026-10"}, UnknownName),
        ({"contract": "cedar-web"}, UnknownName),
        ({"settlement": "acme-web/2019-01"}, UnknownName),
        ({"received_at_ms": NOVEMBER_3 + DAY}, DecisionRefused),
        ({"ticket_at_ms": NOVEMBER_3 + DAY}, DecisionRefused),
        ({"window": Window(NOVEMBER_3 + DAY, NOVEMBER_3 + 2 * DAY)}, DecisionRefused),
    ],
)
async def test_a_claim_of_nothing_is_not_taken(database, changes, error):
    """An unknown contract, another's settlement, a month long ago, a day to come."""
    office = Office(database)
    book = book_of(ASKED)

    with pytest.raises(error):
        await office.desk(ASKED).claim(book, claimed(**changes), NOVEMBER_3 + HOUR)

    assert await listed(office) == []


async def test_cedar_cannot_claim_what_is_acmes(database):
    """A settlement is claimed in the name of its own contract only."""
    office = Office(database)
    book = await settled(office)

    stated = claimed(contract=f"{CEDAR.id}-web")
    with pytest.raises(UnknownName):
        await office.desk(ASKED).claim(book, stated, NOVEMBER_3 + HOUR)

    assert (await office.one(KEY)).state is State.WAITING


async def test_settling_anew_keeps_what_was_claimed(database):
    """An outage of ten hours came to light; Acme need not claim again."""
    office = Office(database)
    book = await settled(office)
    await office.desk(ASKED).claim(book, claimed(), NOVEMBER_3 + HOUR)
    await office.measured({"acme": [outage(3, 10, 600)]}, until_ms=NOVEMBER_3)

    fates = await office.again(book, "2026-10", ANA, NOVEMBER_3 + DAY)

    assert fates[KEY] == "settled anew"
    one = await office.one(KEY)
    assert (one.state, one.revision) == (State.POSTED, 2)
    assert await office.balance("acme-web") == (14997, 0)
