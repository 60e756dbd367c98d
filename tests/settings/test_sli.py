"""The ``sli`` section: a kind is named by its key."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sla_exporter.core.quorum import Quorum
from sla_exporter.core.sli.events import Availability, Empty, Events
from sla_exporter.core.sli.expr import Expr
from sla_exporter.core.sli.probe import Probe
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings import load_config
from tests.cast import MINUTE
from tests.settings.files import SMALL

COUNTERS = "events: {good: 'ok_total', total: 'all_total'}"


def service(folder, sli: str):
    text = SMALL.replace("sli: {probe: up}", f"sli: {{{sli}}}")
    (folder / "sla.yml").write_text(text)
    return load_config(folder / "sla.yml").catalogue.services["web"]


def problems(folder, sli: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        service(folder, sli)
    return [problem.message for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("probe: up", Probe(selector="up")),
        (
            "probe: up, interval: 30s, max_gap: 1m",
            Probe(selector="up", interval_ms=30_000, max_gap_ms=MINUTE),
        ),
        ("expr: 'x > bool 1'", Expr(selector="x > bool 1")),
        ("expr: x, step: 5m", Expr(selector="x", interval_ms=5 * MINUTE)),
        (
            f"{COUNTERS}, by: [a, b]",
            Events(good="ok_total", total="all_total", by=("a", "b"), interval_ms=5 * MINUTE),
        ),
        (
            f"{COUNTERS}, by: a, slot: 1h, availability: average of slots, empty: left out",
            Events(
                good="ok_total",
                total="all_total",
                by=("a",),
                interval_ms=60 * MINUTE,
                availability=Availability.SLOTS,
                empty=Empty.LEFT_OUT,
            ),
        ),
        (
            f"{COUNTERS}, by: a, slot: 1m, down_over: 5%",
            Events(
                good="ok_total",
                total="all_total",
                by=("a",),
                interval_ms=MINUTE,
                down_over=Fraction(1, 20),
            ),
        ),
    ],
)
def test_every_kind_is_read(tmp_path, written, expected):
    """With its own keys and defaults."""
    assert service(tmp_path, written).sli == expected


def test_the_quorum_is_common_to_all(tmp_path):
    """How many must be down, and how many known."""
    found = service(tmp_path, "expr: x, quorum: 2 of 3, min_known: 3")

    assert found.quorum == Quorum(at_least=2, min_known=3)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("interval: 30s", "sli: give one of probe, expr, events"),
        ("prob: up", "sli: give one of probe, expr, events"),
        ("expr: x, probe: up", "sli: give one of probe, expr, events, not probe and expr"),
        ("probe: up, interval: 1m, max_gap: 30s", "max_gap: must be at least the interval"),
        ("expr: x, interval: 30s", "unknown key 'interval'; the keys here are: expr, min_known,"),
        ("expr: x, step: 0s", "step: "),
        (f"{COUNTERS}, by: a, slot: 2h", "slot: must be an hour or less"),
        (f"{COUNTERS}, by: a, empty: full", "empty: must be up, left out or down"),
        ("events: {good: x}, by: a", "the key 'total' is missing"),
        ("probe: up, min_known: 0", "min_known: "),
        ("probe: 'sum(up)'", "probe: 'sum(up)' is not a selector of series; write it as in up{job"),
        ("probe: 'up{job=\"x\"'", "probe: 'up{job=\"x\"' is not a selector of series"),
        ("probe: up, interval: 0s", "interval: must be longer than nothing, not '0s'"),
        ("events: {good: 'sum(x)', total: x}, by: a", "good: 'sum(x)' is not a selector of series"),
    ],
)
def test_mistakes_are_told(tmp_path, written, said):
    """In a sentence, with the keys of the kind that was meant."""
    (found,) = problems(tmp_path, written)

    assert found.startswith(said)


def test_counters_must_tell_contracts_apart(tmp_path):
    """By labels of their own, or by the service's."""
    found = service(tmp_path, COUNTERS).sli

    assert isinstance(found, Events)
    assert found.by == ("customer",)
