"""Credits on request: offered, claimed once, reminded of, and let go."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sla_exporter.core.brakes import CAREFUL, Budget
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.claims import Channel, ClaimResult, StatedClaim
from sla_exporter.core.money import Money
from sla_exporter.core.policy.claim import Anchor, Claim, Deadline
from sla_exporter.core.policy.downtime import DowntimeRule, Starts
from sla_exporter.core.settlement import Hold, State
from sla_exporter.core.windows import Window
from sla_exporter.errors import DecisionRefused, UnknownName
from sla_exporter.ports.claims import Telling
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.outbox import DatabaseOutbox
from tests.cast import (
    ACME,
    BIRCH,
    CEDAR,
    DAY,
    GOLD,
    HOUR,
    MINUTE,
    NOVEMBER_3,
    OCTOBER,
    at,
    catalogue,
    contract,
    outage,
)
from tests.office import ANA, Office

KEY = "acme-web/2026-10"
MONTH_LATER = Deadline(of=Anchor.PERIOD_END, days=30)
UNTIL = OCTOBER.span.end_ms + 30 * DAY
ASKED = replace(GOLD, claim=Claim(within=MONTH_LATER, remind_ms=7 * DAY))
REPORTED = replace(
    GOLD,
    downtime=DowntimeRule(starts=Starts.REPORT),
    claim=Claim(within=MONTH_LATER, ticket_within=Deadline(of=Anchor.INCIDENT, hours=72)),
)
DOWN = [outage(3, 10, 95)]
TICKETED = replace(GOLD, claim=Claim(ticket_within=Deadline(of=Anchor.INCIDENT, hours=72)))


def claimed(received_at_ms=NOVEMBER_3 + HOUR, **changes) -> StatedClaim:
    plain = StatedClaim(
        settlement=KEY,
        contract="acme-web",
        channel=Channel.API,
        by="desk",
        received_at_ms=received_at_ms,
    )
    return replace(plain, **changes)


def book_of(policy, mode=Mode.AUTOMATIC):
    return catalogue(mode=mode, policy=policy)


async def settled(office, policy=ASKED, mode=Mode.AUTOMATIC, down=DOWN):
    """Settle October, in which Acme was down, and nobody else."""
    await office.measured({"acme": down, "birch": (), "cedar": ()}, until_ms=NOVEMBER_3)
    book = book_of(policy, mode)
    await office.settle(book, NOVEMBER_3)
    return book


async def notices(database) -> dict[str, object]:
    found = await DatabaseOutbox(database).claim("me", 10**15, 1, 100)
    return {one.notice.key: one.notice for one in found if one.notice}


async def listed(office) -> list[tuple[str, str]]:
    found = await office.claims.listed({}, 0, 100)
    return [(one.claim.result.value, one.claim.stated.settlement) for one in found]


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


async def test_what_was_held_before_deadlines_were_kept_has_its_own(database):
    """An older version held it for the claim alone, and only its reasoning says until when."""
    office = Office(database)
    await settled(office, mode=Mode.REVIEW)

    old = replace(await office.one(KEY), holds=(Hold.CLAIM,), claim_until_ms=None)

    assert (old.released.state, old.released.claim_until_ms) == (State.WAITING, UNTIL)


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
