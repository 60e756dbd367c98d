"""Brakes, and the people behind them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sla_exporter.core.brakes import CAREFUL, Budget
from sla_exporter.core.catalogue import Mode
from sla_exporter.core.due import closing_in
from sla_exporter.core.money import Money
from sla_exporter.core.policy.block import Block
from sla_exporter.core.policy.pay import Pay, Unit
from sla_exporter.core.policy.terms import Component, Form, Minimum
from sla_exporter.core.reasoning import Duration
from sla_exporter.core.settlement import Hold, State
from sla_exporter.errors import DecisionRefused
from sla_exporter.flow.decide import Verdict
from sla_exporter.ports.settling import DecisionKind
from sla_exporter.store.outbox import DatabaseOutbox
from tests.cast import ACME, BIRCH, GOLD, HOUR, NOVEMBER_3, catalogue, contract, outage, share
from tests.office import ANA, BO, Office

LATER = NOVEMBER_3 + 1


def fleet(number: int):
    """Give so many customers like Birch, with a fee of 100.00 each."""
    return [replace(BIRCH, id=f"c{i:04}") for i in range(number)]


async def settled(office, customers, windows_of, book=None):
    """Settle October with these outages."""
    down = {c.id: windows_of(i) for i, c in enumerate(customers)}
    await office.measured(down, until_ms=NOVEMBER_3)
    book = book or catalogue(*map(contract, customers))
    await office.settle(book, NOVEMBER_3)
    return book


@pytest.mark.slow
@pytest.mark.parametrize("verdict", ["approve", "reject"])
async def test_the_mass_outage_drill(database, verdict):
    """2,000 contracts go down at once for three hours: nothing is paid, one decision ends it."""
    office = Office(database, plain=True)
    customers = fleet(2_000)

    book = await settled(office, customers, lambda _: [outage(3, 10, 180)])

    held = await office.store.held()
    assert await office.entries() == []
    assert await DatabaseOutbox(database).claim("me", 10**15, 1, 10) == []
    assert {(one.group, one.holds) for one in held} == {
        ("outage-2026-10-03T10:00:00Z", (Hold.FLEET,))
    }
    assert (len(held), sum(one.credit.minor for one in held)) == (2_000, 2_000 * 1_000)

    found = await office.decider.named(["outage-2026-10-03T10:00:00Z"])
    act = getattr(office.decider, verdict)
    assert await act(found, book, ANA, LATER) == 2_000

    assert await office.store.held() == []
    assert len(await office.entries()) == (2_000 if verdict == "approve" else 0)
    decisions = await office.store.decisions([one.key for one in held])
    assert {(d.kind.value, d.by, d.at_ms) for d in decisions} == {(verdict, "Ana", LATER)}
    assert len(decisions) == 2_000
    assert await office.is_sound()


@pytest.mark.parametrize(
    ("form", "unit"), [(Form.EXTENSION, Unit.DAYS), (Form.TERMINATION, Unit.RIGHT)]
)
async def test_what_is_not_money_is_braked_when_it_is_settled_anew_too(database, form, unit):
    """All 20 contracts turn out to have been down at once: none is prolonged or ended by itself."""
    office, customers = Office(database, plain=True), fleet(20)
    formula = Block(every=Duration(HOUR), pays=Pay(unit))
    policy = replace(GOLD, form=form, credit=Component(formula=formula))
    book = catalogue(*map(contract, customers), policy=policy)
    await settled(office, customers, lambda _: [], book)
    await office.measured({c.id: [outage(3, 10, 95)] for c in customers}, until_ms=NOVEMBER_3)

    fates = await office.again(book, "2026-10", ANA, LATER)

    assert set(fates.values()) == {"held for a person"}
    assert {one.holds for one in await office.store.held()} == {(Hold.FLEET,)}
    assert await office.entries() == []


async def test_outages_one_after_the_other_are_no_fault_of_the_monitoring(database):
    """Everybody was down some time, and never more than one at once."""
    office = Office(database, brakes=replace(CAREFUL, run=Budget(), period=Budget()), plain=True)

    await settled(office, fleet(50), lambda i: [outage(1 + i // 10, 2 * (i % 10), 95)])

    assert await office.store.held() == []
    assert len(await office.entries()) == 50


async def test_a_common_outage_holds_only_who_it_hit(database):
    """Acme was down by itself, and gets its credit."""
    office = Office(database, plain=True)
    customers = [ACME, *fleet(20)]

    await settled(office, customers, lambda i: [outage(20 if i == 0 else 3, 10, 95)])

    assert [entry.customer for entry in await office.entries()] == ["acme"]
    assert len(await office.store.held()) == 20


@pytest.mark.parametrize(
    ("brakes", "group"),
    [
        ({"run": Budget(count=2)}, "run-"),
        ({"run": Budget(sums=(Money.of("29.99", "EUR"),))}, "run-"),
        ({"run": Budget(share=share("9.9")), "at_least": 3}, "run-"),
        ({"period": Budget(count=2)}, "period-2026-10"),
        ({"period": Budget(sums=(Money.of("29.99", "EUR"),))}, "period-2026-10"),
    ],
)
async def test_a_run_over_its_budget_is_held_as_a_whole(database, brakes, group):
    """Three credits of 10.00: which of them are wrong, if any, nobody can know."""
    office = Office(database, brakes=replace(CAREFUL, **brakes), plain=True)

    await settled(office, fleet(3), lambda i: [outage(3 + i, 10, 95)])

    held = await office.store.held()
    assert await office.entries() == []
    assert [one.holds for one in held] == [(Hold.BUDGET,)] * 3
    assert all(one.group.startswith(group) for one in held)


async def test_what_is_kept_for_later_is_held_in_a_common_outage_too(database):
    """Under the minimum nothing is paid now, but it would be with the next credit."""
    office = Office(database, plain=True)
    customers = fleet(20)
    least = Minimum(money=Money.of("50.00", "EUR"), carry=True)
    book = catalogue(*map(contract, customers), policy=replace(GOLD, minimum=least))

    await settled(office, customers, lambda _: [outage(3, 10, 95)], book)

    assert {one.holds for one in await office.store.held()} == {(Hold.FLEET,)}
    assert await office.entries() == []


async def test_a_credit_is_not_counted_beside_itself(database):
    """Settled anew or only looked at, what it has already is not what it adds."""
    brakes = replace(CAREFUL, period=Budget(sums=(Money.of("55.00", "EUR"),)))
    office = Office(database, brakes=brakes, plain=True)
    book = await settled(office, fleet(3), lambda i: [outage(3 + i, 10, 95)])
    assert len(await office.entries()) == 3
    due = list(closing_in(book, "2026-10"))

    shown = await office.reconciler.rehearse(book, due, LATER, final=True)
    assert {one.holds for one in shown} == {()}

    await office.measured({"c0000": [outage(3, 10, 600)]}, until_ms=NOVEMBER_3)
    reviewed = await office.again(book, "2026-10", ANA, LATER)
    assert reviewed["c0000-web/2026-10"] == "settled anew"  # 30.00, beside 20.00 of the others


async def test_a_run_on_its_budget_goes_through(database):
    """The limit itself is allowed."""
    brakes = replace(CAREFUL, run=Budget(count=3, sums=(Money.of("30.00", "EUR"),)))
    office = Office(database, brakes=brakes, plain=True)

    await settled(office, fleet(3), lambda i: [outage(3 + i, 10, 95)])

    assert len(await office.entries()) == 3


@pytest.mark.parametrize(
    "brakes", [{"most": (Money.of("9.99", "EUR"),)}, {"most_of_fee": share("9")}]
)
async def test_a_single_credit_that_is_too_large_is_held(database, brakes):
    """And nobody else's."""
    office = Office(database, brakes=replace(CAREFUL, **brakes))

    await settled(office, [BIRCH], lambda _: [outage(3, 10, 95)])

    (held,) = await office.store.held()
    assert (held.holds, held.group) == ((Hold.SIZE,), "")


async def test_observing_holds_nothing(database):
    """There is nothing to decide about what is only looked at."""
    office = Office(database, brakes=replace(CAREFUL, run=Budget(count=0)), plain=True)
    customers = fleet(20)
    book = catalogue(*map(contract, customers), mode=Mode.OBSERVE)

    await settled(office, customers, lambda _: [outage(3, 10, 180)], book)

    assert await office.store.held() == []


async def one_held(database):
    office = Office(database, brakes=replace(CAREFUL, run=Budget(count=0)))
    book = await settled(office, [ACME], lambda _: [outage(3, 10, 95)])
    return office, book, await office.store.held()


async def test_an_approved_credit_is_posted_and_told(database):
    """With the figure that was looked at, and without a word of why it waited."""
    office, book, held = await one_held(database)

    await office.decider.approve(held, book, ANA, LATER)

    (entry,) = await office.entries()
    assert (entry.amount, entry.by, entry.note) == (held[0].credit, ANA.by, ANA.reason)
    claimed = await DatabaseOutbox(database).claim("me", 10**15, 1, 10)
    (notice,) = (one.notice for one in claimed if one.notice)
    assert notice.key == "credit/acme-web/2026-10"
    assert "Held" not in notice.text


async def test_deciding_twice_is_deciding_once(database):
    """Two people press the button at the same time."""
    office, book, held = await one_held(database)

    done = [await office.decider.approve(held, book, who, LATER) for who in (ANA, ANA)]

    assert done == [1, 0]
    assert len(await office.entries()) == 1


async def test_of_two_people_who_decide_at_once_one_wins(database):
    """Ana releases it while Bo rejects it: one of the two happens, whole."""
    office, book, held = await one_held(database)

    done = await asyncio.gather(
        office.decider.approve(held, book, ANA, LATER),
        office.decider.reject(held, book, BO, LATER),
    )

    assert sorted(done) == [0, 1]
    assert len(await office.entries()) == done[0]
    assert len(await office.store.decisions([held[0].key])) == 1
    assert await office.is_sound()


async def test_a_rejected_credit_stays_rejected(database):
    """The next run does not bring it back; the reasoning is kept."""
    office, book, held = await one_held(database)

    await office.decider.reject(held, book, ANA, LATER)
    await office.settle(book, LATER)

    found = await office.one("acme-web/2026-10")
    assert (found.state, found.steps) == (State.REJECTED, held[0].steps)
    assert await office.entries() == []
    assert await office.is_sound()


async def test_an_adjusted_credit_has_both_amounts(database):
    """What was computed stays in the reasoning."""
    office, book, (held,) = await one_held(database)

    await office.decider.adjust(held, Money.of("5.00", "BRL"), book, ANA, LATER)

    assert await office.told() == [("grant", 500)]
    found = await office.one(held.key)
    assert found.steps[-1].facts["before"] == held.credit
    (decision,) = await office.store.decisions([held.key])
    assert (decision.kind, decision.credit.minor) == (DecisionKind.ADJUST, 500)
    assert await office.is_sound()


async def test_what_cannot_be_decided_is_refused_in_a_sentence(database):
    """No name, no reason, another currency, nothing of that name, a contract that is gone."""
    office, book, held = await one_held(database)
    with pytest.raises(DecisionRefused, match="name of who"):
        Verdict(by=" ", reason="x")
    with pytest.raises(DecisionRefused, match="an amount in BRL"):
        await office.decider.adjust(held[0], Money.of("5.00", "EUR"), book, ANA, LATER)
    with pytest.raises(DecisionRefused, match="nothing that is held is called"):
        await office.decider.named(["no-such-group"])
    with pytest.raises(DecisionRefused, match="not in the configuration any more"):
        await office.decider.approve(held, catalogue(contract(BIRCH)), ANA, LATER)
    await office.decider.reject(held, book, ANA, LATER)
    with pytest.raises(DecisionRefused, match="is not held; it is rejected"):
        await office.decider.named(["acme-web/2026-10"])
