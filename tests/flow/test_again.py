"""New facts about periods that are final."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.money import Money
from sla_exporter.core.policy.terms import Minimum
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.settlement import Hold, State
from sla_exporter.core.windows import Window
from sla_exporter.flow.late import read_late
from sla_exporter.flow.measuring.probe import SAMPLES_AN_ANSWER
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.store.memory import MemoryObservations
from sla_exporter.store.outbox import DatabaseOutbox
from tests.cast import (
    ACME,
    DAY,
    GOLD,
    MINUTE,
    NOVEMBER_3,
    OCTOBER,
    WEB,
    at,
    catalogue,
    contract,
    outage,
)
from tests.flow.on_request import notices
from tests.listed import ListedSamples
from tests.office import ANA, BO, Office

BOOK = catalogue(contract(ACME, "499.90"))
KEY = "acme-web/2026-10"
LATER = NOVEMBER_3 + DAY
CARRYING = replace(GOLD, minimum=Minimum(money=Money.of("1.00", "BRL"), carry=True))


@pytest.fixture
def office(database) -> Office:
    return Office(database)


async def posted(office, *windows, book=BOOK):
    await office.measured({"acme": windows}, until_ms=NOVEMBER_3)
    await office.settle(book, NOVEMBER_3)


async def unknown(office, *windows, down=()):
    """Write down that nobody knows how Acme was then."""
    seen = SeriesState(down=tuple(down), unknown=windows)
    span = Window(OCTOBER.span.start_ms - DAY, NOVEMBER_3)
    mark = Watermark(
        interval_ms=MINUTE,
        from_ms=span.start_ms,
        fresh_until_ms=span.end_ms,
        final_until_ms=span.end_ms,
    )
    observed = Observation(states={(("customer", "acme"),): seen})
    await office.reconciler.observations.record("web", span, observed, mark)


async def test_nothing_new_changes_nothing(office):
    """However often one asks."""
    await posted(office, outage(3, 10, 95))

    assert await office.again(BOOK, "2026-10", ANA, LATER) == {KEY: "unchanged"}
    assert (await office.one(KEY)).revision == 1
    assert await office.store.decisions([KEY]) == []


async def test_more_downtime_becomes_a_reversal_and_a_new_grant(database, office):
    """The customer is told of the new sum; what was said before is kept."""
    await posted(office, outage(3, 10, 95))
    await office.measured({"acme": [outage(3, 10, 95), outage(9, 0, 600)]}, until_ms=NOVEMBER_3)

    assert await office.again(BOOK, "2026-10", ANA, LATER) == {KEY: "settled anew"}

    assert await office.told() == [("grant", 4999), ("reversal", -4999), ("grant", 14997)]
    entries = await office.entries()
    assert (entries[1].about, entries[2].key) == (f"grant/{KEY}", f"grant/{KEY}/2")
    assert {(one.by, one.note) for one in entries[1:]} == {(ANA.by, ANA.reason)}
    claimed = await DatabaseOutbox(database).claim("me", 10**15, 1, 10)
    orders = {one.order.about for one in claimed}
    assert f"correction/{KEY}/2" in orders
    assert await office.is_sound()
    assert await office.again(BOOK, "2026-10", ANA, LATER) == {KEY: "unchanged"}


async def test_what_a_customer_would_lose_stays_with_them(office):
    """They were told, and nobody said that it is to be taken back."""
    await posted(office, outage(3, 10, 95))
    await office.measured({"acme": []}, until_ms=NOVEMBER_3)

    assert await office.again(BOOK, "2026-10", ANA, LATER) == {KEY: "left with the customer"}
    assert await office.told() == [("grant", 4999)]
    assert await office.is_sound()


async def test_a_corrected_contract_is_settled_anew(office):
    """The fee was entered wrong."""
    await posted(office, outage(3, 10, 95))
    dearer = catalogue(contract(ACME, "599.90"))

    assert await office.again(dearer, "2026-10", ANA, LATER) == {KEY: "settled anew"}
    assert await office.balance("acme-web") == (5999, 0)
    assert await office.is_sound()


@pytest.mark.parametrize("has_credit", [False, True])
async def test_who_was_told_nothing_gets_a_first_message(database, office, has_credit):
    """The month was held, then settled anew, then approved: there is nothing to correct."""
    await unknown(office, outage(20, 0, 7200))
    await office.settle(BOOK, NOVEMBER_3)
    await office.measured({"acme": [outage(3, 10, 95)] * has_credit}, until_ms=NOVEMBER_3)
    await office.again(replace(BOOK, mode=Mode.REVIEW), "2026-10", ANA, LATER)

    await office.decider.approve(await office.store.held(), BOOK, BO, LATER)

    assert (await office.one(KEY)).revision == 2
    assert list(await notices(database)) == [f"{'credit' if has_credit else 'statement'}/{KEY}/2"]


async def test_who_was_told_of_no_credit_is_told_of_a_correction(database, office):
    """Their statement said that all was well."""
    await posted(office)
    await office.measured({"acme": [outage(3, 10, 95)]}, until_ms=NOVEMBER_3)

    await office.again(BOOK, "2026-10", ANA, LATER)

    assert set(await notices(database)) == {f"statement/{KEY}", f"correction/{KEY}/2"}


async def test_nobody_is_told_again_when_only_the_reasons_change(database, office):
    """Not even where statements were off when the month was settled."""
    routes = office.reconciler.routes
    office.reconciler = replace(office.reconciler, routes=replace(routes, statements=False))
    await posted(office)
    office.reconciler = replace(office.reconciler, routes=routes)
    await office.measured({"acme": [outage(3, 10, 1)]}, until_ms=NOVEMBER_3)

    assert await office.again(BOOK, "2026-10", ANA, LATER) == {KEY: "same credit, other reasons"}

    assert await notices(database) == {}


async def test_a_carried_amount_is_corrected_too(office):
    """It was under the minimum, and is not any more."""
    book = catalogue(contract(ACME, "4.00"), policy=CARRYING)
    await posted(office, outage(3, 10, 95), book=book)
    await office.measured({"acme": [outage(3, 10, 600)]}, until_ms=NOVEMBER_3)

    assert await office.again(book, "2026-10", ANA, LATER) == {KEY: "settled anew"}

    assert await office.told() == [("carry", 40), ("carry", -40), ("grant", 120)]
    assert await office.is_sound()


async def test_an_amount_that_was_given_already_is_not_given_again(office):
    """October's 40 cents went into November's credit; then October turns out to be worth 1.20."""
    small = replace(GOLD, minimum=Minimum(money=Money.of("0.50", "BRL"), carry=True))
    book = catalogue(contract(ACME, "4.00"), policy=small)
    november = OCTOBER.following
    in_november = Window(at(3, 10, period=november), at(3, 10, 95, period=november))
    december_3 = november.span.end_ms + 2 * DAY
    await office.measured({"acme": [outage(3, 10, 95), in_november]}, until_ms=december_3)
    await office.settle(book, NOVEMBER_3)
    await office.settle(book, december_3)
    assert await office.told() == [("carry", 40), ("carry", -40), ("grant", 80)]
    await office.measured({"acme": [outage(3, 10, 600), in_november]}, until_ms=december_3)

    await office.again(book, "2026-10", ANA, december_3)

    assert await office.balance("acme-web") == (160, 0)  # 1.20 and 0.40
    assert await office.is_sound()
    await office.measured({"acme": [outage(3, 10, 601), in_november]}, until_ms=december_3)
    fates = [await office.again(book, "2026-10", ANA, december_3) for _ in range(2)]
    assert [one[KEY] for one in fates] == ["same credit, other reasons", "unchanged"]


async def test_what_a_person_set_stands_when_only_the_reasons_change(office):
    """Samples came late and the figure is the same: nobody is overruled, then or later."""
    review = replace(BOOK, mode=Mode.REVIEW)
    await posted(office, outage(3, 10, 95), book=review)
    credit = Money.of("20.00", "BRL")
    await office.decider.adjust(await office.one(KEY), credit, review, ANA, NOVEMBER_3)
    await office.measured({"acme": [outage(3, 10, 97)]}, until_ms=NOVEMBER_3)

    fates = [(await office.again(BOOK, "2026-10", BO, LATER))[KEY] for _ in range(2)]

    assert fates == ["same credit, other reasons", "unchanged"]
    codes = [step.code for step in (await office.one(KEY)).steps]
    assert codes[-2:] == ["hold_review", "adjusted"]
    assert await office.told() == [("grant", 2000)]


async def test_a_rejected_period_that_changed_waits_for_a_person(office):
    """Somebody looked at it once, so somebody looks again."""
    await posted(office, outage(3, 10, 700), book=replace(BOOK, mode=Mode.REVIEW))
    await office.decider.reject(await office.store.held(), BOOK, ANA, LATER)
    await office.measured({"acme": [outage(3, 10, 95)]}, until_ms=NOVEMBER_3)

    assert await office.again(BOOK, "2026-10", ANA, LATER) == {KEY: "held for a person"}

    found = await office.one(KEY)
    assert (found.state, found.holds, found.revision) == (State.HELD, (Hold.REVIEW,), 2)
    await office.decider.approve([found], BOOK, BO, LATER)
    assert await office.told() == [("grant", 4999)]
    assert await office.is_sound()


async def test_late_samples_fill_what_was_unknown_and_nothing_else(office):
    """Prometheus has forgotten the first outage meanwhile; what was measured then stays."""
    labels, span = (("customer", "acme"),), Window(OCTOBER.span.start_ms - DAY, NOVEMBER_3)
    store = office.reconciler.observations
    await unknown(office, outage(9, 0, 60), outage(20, 0, 60), down=[outage(3, 10, 95)])
    late = [(at(9, 0, minute), not 10 <= minute < 30) for minute in range(-5, 65)]

    changed = [await read_late(WEB, span, ListedSamples({labels: late}), store) for _ in range(2)]

    assert changed == [True, False]
    assert (await store.states("web", span))[labels] == SeriesState(
        down=(outage(3, 10, 95), Window(at(9, 0, 10), at(9, 0, 30))), unknown=(outage(20, 0, 60),)
    )


async def test_a_series_that_is_gone_makes_nobody_else_be_read_for_longer():
    """A thousand lacked an hour; one retired series lacks the month. Answers stay bounded."""
    span = OCTOBER.span
    states = {
        (("customer", f"c{i}"),): SeriesState(unknown=(outage(10, 2, 60),)) for i in range(999)
    }
    states[(("customer", "retired"),)] = SeriesState(unknown=(span,))
    mark = Watermark(
        interval_ms=MINUTE,
        from_ms=span.start_ms,
        fresh_until_ms=span.end_ms,
        final_until_ms=span.end_ms,
    )
    store = MemoryObservations()
    await store.record("web", span, Observation(states=states), mark)
    answers: list[int] = []

    class Weighed(ListedSamples):
        async def samples(self, service, span, needed=None):
            answers.append(span.length_ms // MINUTE * len(needed))
            return await super().samples(service, span, needed)

    acme = [(at(10, 2, minute), True) for minute in range(-5, 65)]

    assert await read_late(WEB, span, Weighed({(("customer", "c1"),): acme}), store)
    assert max(answers) <= SAMPLES_AN_ANSWER
    assert sum(answers) < 1_000_000
    known = await store.states("web", span)
    assert [labels for labels, state in known.items() if not state.unknown] == [
        (("customer", "c1"),)
    ]
