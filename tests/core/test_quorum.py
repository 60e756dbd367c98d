"""Several vantage points for one contract."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_exporter.core.quorum import ALL, ANY, Quorum, combine, disagreements
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window, subtract, tidy
from tests.notation import I, state

TWO = Quorum(at_least=2)
PAIR = Quorum(min_known=2)


@pytest.mark.parametrize(
    ("quorum", "drawn", "expected"),
    [
        (ALL, ["--##--"], "--##--"),
        (ALL, ["--##--", "---##-"], "---#--"),
        (ANY, ["--##--", "---##-"], "--###-"),
        (TWO, ["##----", "#-#---", "#--#--"], "#-----"),  # one false alarm costs nothing
        (TWO, ["##??--", "##??--", "??##--"], "##??--"),  # one known point is not two
        (ALL, ["?#####", "-##???"], "-#####"),  # the unknown one is left out of the count
        (ALL, ["??--##", "??----"], "??----"),
        (ANY, ["??????", "-##---"], "-##---"),
        (PAIR, ["--##--", "--##??"], "--##??"),  # all of one known point is not enough
        (PAIR, ["--##--"], "??????"),
    ],
)
def test_drawings(quorum, drawn, expected):
    """Each set of drawn states joins to the drawn one."""
    span = Window(0, 6 * I)

    assert state(expected) == combine([state(one) for one in drawn], quorum, span)


def test_a_contract_without_any_series_is_unknown():
    """Nobody measured it: that is neither up nor down."""
    span = Window(0, 1000)

    assert SeriesState(unknown=(span,)) == combine([], ALL, span)


@pytest.mark.parametrize(
    ("quorum", "drawn", "expected"),
    [
        (TWO, ["##----", "#-#---", "--#--#"], [(1, 2), (5, 6)]),
        (ANY, ["##----", "#-#---"], []),
        (ALL, ["##----", "#?#---"], [(2, 3)]),  # an unknown one does not disagree
        (TWO, ["##----", "????--", "????--"], []),  # nor is it known that it was up
        (TWO, ["##----"], []),
    ],
)
def test_disagreements_are_shown(quorum, drawn, expected):
    """One vantage point saw an outage, and the contract counts as up."""
    span = Window(0, 6 * I)

    found = disagreements([state(one) for one in drawn], quorum, span)

    assert found == tuple(Window(start * I, end * I) for start, end in expected)


_pairs = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4).map(tidy)
_states = st.builds(
    lambda down, unknown: SeriesState(down=subtract(down, unknown), unknown=unknown), _pairs, _pairs
)


@given(st.lists(_states, min_size=1, max_size=4), st.sampled_from([ALL, ANY, TWO]))
def test_an_oracle_that_judges_every_moment_agrees(states, quorum):
    """Counting known and down series at every single moment gives the same windows."""
    span = Window(5, 25)
    down, unknown = [], []
    for at in range(span.start_ms, span.end_ms):

        def covers(windows, at=at):
            return any(start <= at < end for start, end in windows)

        known = [s for s in states if not covers(s.unknown)]
        bad = sum(covers(s.down) for s in known)
        needed = len(known) if quorum.at_least is None else quorum.at_least
        if not known or len(known) < needed:
            unknown.append((at, at + 1))
        elif bad >= needed:
            down.append((at, at + 1))

    assert SeriesState(down=tidy(down), unknown=tidy(unknown)) == combine(states, quorum, span)
