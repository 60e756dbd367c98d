"""What the kinds of SLI, vantage points and affected shares say in a settlement."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sla_exporter.core.affected import Partial
from sla_exporter.core.instruments import instruments
from sla_exporter.core.quorum import Quorum
from sla_exporter.core.reasoning import Duration
from sla_exporter.core.samples import UP
from sla_exporter.core.settlement import Evidence
from sla_exporter.core.sli.counts import count_events
from sla_exporter.core.sli.events import Availability, Events, Slot
from sla_exporter.core.sli.expr import Expr
from tests.cast import MINUTE, OCTOBER, outage, settled


def codes(settlement) -> list[str]:
    return [step.code for step in settlement.steps]


def test_disagreements_stand_in_the_reasoning():
    """A false alarm of one vantage point costs nothing, and is told."""
    found = settled(series=3, disagreements=(outage(3, 10, 5), outage(4, 10, 5)))

    (told,) = [step for step in found.steps if step.code == "disagreed"]
    assert told.facts["count"] == 2
    assert told.facts["length"] == Duration(10 * MINUTE)
    assert found.credit.minor == 0


def test_partial_outages_are_told_with_their_share():
    """And reach the policy with it."""
    window = outage(3, 10, 95)
    partial = Partial(window, Fraction(1, 4))

    found = settled(window, affected=(partial,))

    assert "outage_partial" in codes(found)
    assert [o.affected for o in found.evidence.outages] == [Fraction(1, 4)]


@pytest.mark.parametrize(
    ("ratio", "minor"), [(Fraction(9999, 10_000), 0), (Fraction(999, 1000), 4999), (None, 0)]
)
def test_a_share_of_events_is_the_availability(ratio, minor):
    """Whatever the time says."""
    events = Events(good="g", total="t", by=("customer",))
    slots = [] if ratio is None else [Slot(OCTOBER.span, ratio, Fraction(1))]
    count = count_events(events, slots)
    unknown = () if ratio is not None else (OCTOBER.span,)

    found = settled(sli=events, events=count, unknown=unknown)

    assert found.credit.minor == minor
    assert found.outcome.measured.ratio == ratio
    assert "measured_by_events" in codes(found)
    assert ("events_counted" in codes(found)) == (ratio is not None)


@pytest.mark.parametrize(
    ("sli", "series", "expected"),
    [
        (Expr(selector="x"), 1, ["measured_by_expr"]),
        (Expr(selector="x"), 3, ["measured_by_many", "min_known"]),
        (
            Events(good="g", total="t", by=("c",), down_over=Fraction(1, 20)),
            1,
            ["measured_by_error_rate"],
        ),
        (
            Events(good="g", total="t", by=("c",), availability=Availability.SLOTS),
            1,
            ["measured_by_events", "events_counted", "events_averaged"],
        ),
    ],
)
def test_every_kind_says_how_it_measured(sli, series, expected):
    """With its resolution."""
    is_counted = isinstance(sli, Events) and sli.down_over is None
    slots = [Slot(OCTOBER.span, Fraction(1), Fraction(1))]
    evidence = Evidence(
        state=UP,
        series=series,
        interval_ms=MINUTE,
        quorum=Quorum(min_known=2),
        sli=sli,
        events=count_events(sli, slots) if is_counted else None,
    )

    assert [step.code for step in instruments("web", evidence)] == expected
