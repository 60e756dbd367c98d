"""A second opinion: it confirms, disputes, or is missing."""

from __future__ import annotations

import pytest

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.second_opinion import Opinion, heard
from sla_exporter.core.settlement import Hold, State
from sla_exporter.core.windows import Window
from tests.cast import MINUTE, OCTOBER, at, outage, settled

OURS = outage(3, 10, 95)


def opinion(*down: Window, unknown=(), tolerance: int = 2 * MINUTE) -> Opinion:
    state = SeriesState(down=down, unknown=tuple(unknown))
    return Opinion(source="Pingdom", tolerance_ms=tolerance, state=state)


def holds(*down: Window, unknown=(), ours=(OURS,), **known) -> tuple[Hold, ...]:
    return heard(settled(*ours, **known), opinion(*down, unknown=unknown)).holds


@pytest.mark.parametrize(
    ("theirs", "hold"),
    [
        ([OURS], ()),
        ([Window(at(3, 10, 2), at(3, 11, 33))], ()),  # two minutes off at either end
        ([Window(at(3, 9, 58), at(3, 11, 37))], ()),
        ([OURS, Window(at(9, 10), at(9, 10, 2))], ()),  # a short one that we may miss
        ([Window(at(3, 10, 3), at(3, 11, 35))], (Hold.DISPUTED,)),
        ([Window(at(3, 10), at(3, 11, 38))], (Hold.DISPUTED,)),
        ([Window(at(3, 10), at(3, 10, 40)), Window(at(3, 11), at(3, 11, 35))], (Hold.DISPUTED,)),
        ([], (Hold.DISPUTED,)),
        ([OURS, outage(9, 10, 95)], (Hold.DISPUTED,)),
    ],
)
def test_edges_may_differ_by_the_tolerance(theirs, hold):
    """And by no more, in either direction."""
    assert holds(*theirs) == hold


def test_what_they_do_not_know_they_do_not_dispute():
    """But if they know nothing of it, it is not confirmed either."""
    other = outage(9, 10, 95)

    assert holds(other, ours=(OURS, other), unknown=[Window(at(3), at(4))]) == ()
    assert holds(unknown=[Window(at(3), at(4))]) == (Hold.UNCONFIRMED,)


def test_what_we_do_not_know_we_do_not_dispute():
    """Our prober was away while they saw an outage."""
    assert holds(OURS, outage(9, 10, 95), unknown=(), ours=(OURS,)) == (Hold.DISPUTED,)
    away = heard(settled(OURS, unknown=(Window(at(9), at(10)),)), opinion(OURS, outage(9, 10, 95)))
    assert away.holds == ()


def test_maintenance_is_not_compared():
    """They were paused, or not; it does not count anyway."""
    stated = StatedExclusion(
        key="operator/1", scope=Scope(service="web"), window=Window(at(9), at(10)), why="disks"
    )
    down = (OURS, outage(9, 10, 95))

    assert holds(OURS, ours=down, exclusions=(stated,)) == ()


def test_what_a_later_month_counts_is_not_compared():
    """Where outages count as a whole, one that goes on past the month is not this month's."""
    end = OCTOBER.span.end_ms
    later = Window(at(31, 20), end)

    assert holds(OURS, later, later=(later,)) == ()
    assert holds(OURS, Window(at(31, 20, 1), end), later=(later,)) == ()
    assert holds(OURS, later) == (Hold.DISPUTED,)


def test_a_dispute_shows_both_timelines():
    """Ours stands in the reasoning; theirs and the difference are added."""
    theirs = Window(at(3, 10), at(3, 10, 40))

    settlement = heard(settled(OURS), opinion(theirs))

    told = {
        s.code: (s.facts["start"].at_ms, s.facts["end"].at_ms)
        for s in settlement.steps
        if "start" in s.facts and s.code != "period"
    }
    assert told == {
        "outage": tuple(OURS),
        "opinion_down": tuple(theirs),
        "opinion_differs": (at(3, 10, 42), at(3, 11, 35)),
    }
    assert settlement.steps[-1].code == "hold_disputed"
    assert settlement.state is State.HELD
    assert settlement.credit.minor == 4999


def test_agreement_lets_the_credit_go():
    """And says who agreed."""
    settlement = heard(settled(OURS), opinion(OURS))

    assert settlement.state is State.POSTED
    assert settlement.steps[-1].code == "opinion_confirmed"
    assert settlement.steps[-1].facts["source"] == "Pingdom"


def test_no_answer_holds_the_credit():
    """With the reason."""
    missing = Opinion(source="Pingdom", tolerance_ms=MINUTE, problem="it answered 503")

    settlement = heard(settled(OURS), missing)

    assert (settlement.state, settlement.holds) == (State.HELD, (Hold.UNCONFIRMED,))
    told = next(s for s in settlement.steps if s.code == "opinion_not_given")
    assert told.facts["problem"] == "it answered 503"


def test_what_is_only_observed_stays_so():
    """Nothing is sent either way."""
    settlement = heard(settled(OURS, mode=Mode.OBSERVE), opinion())

    assert (settlement.state, settlement.holds) == (State.OBSERVED, (Hold.DISPUTED,))
