"""The benchmarks run; what they measure is for ``make bench`` to say."""

from __future__ import annotations

import pytest

from tests.bench import cold_month, deliveries, notices, posting, settling, steady_state, webhooks
from tests.bench.fleet import Fleet
from tests.bench.slope import exponent


def test_the_cold_month_is_measured():
    """On a small fleet: all of its troubles are found, and the ratios are there."""
    fleet = Fleet(series=30, days=2, unclean=0.02)

    found = cold_month.run(fleet, repeats=1)

    assert found["ratio_to_bare_scan"] > 0
    assert found["peak_memory_mb"] > 0
    assert found["windows"] > 10


def test_deliveries_are_measured():
    """All of them arrive, each once."""
    found = deliveries.run(60)

    assert found["lost"] == found["doubled"] == 0
    assert found["deliveries_per_s"] > 0
    assert found["bare_requests_per_s"] > 0


def test_notices_are_measured():
    """Rendered and mailed, all of them, each once."""
    found = notices.run(30)

    assert found["lost"] == found["doubled"] == 0
    assert found["rendered_per_s"] > 0
    assert found["mails_per_s"] > 0
    assert found["ratio_to_bare_jinja"] > 0


def test_settling_is_measured():
    """Every case is evaluated: the sum owed is that of a second run."""
    found = [settling.run(count=200), settling.run(count=200)]

    assert found[0]["owed_minor"] == found[1]["owed_minor"] > 0
    assert found[0]["ratio_to_bare_loop"] > 0


def test_posting_is_measured():
    """On small fleets: one credit for every fifty contracts, on both databases."""
    found = posting.run(sizes=(100, 200), on_postgresql=100, with_statements=50)

    entries = [found[f"{n}_entries"] for n in ("100", "200", "postgresql_100", "statements_50")]
    assert entries == [2, 4, 2, 1]
    assert "exponent" in found


@pytest.mark.parametrize(("power", "expected"), [(0, 0.0), (1, 1.0), (1.5, 1.5)])
def test_growth_is_told_by_its_exponent(power, expected):
    """Whatever is between the smallest and the largest, and in which order."""
    assert exponent({10_000: 3.0 * 100**power, 1_000: 7.0, 100: 3.0}) == expected


def test_durable_webhooks_are_measured():
    """New ones and known ones, on both databases, beside the bare handler."""
    found = webhooks.run(requests=10, repeats=1)

    for name in ("sqlite_new", "sqlite_known", "postgresql_new", "postgresql_known"):
        assert found[f"{name}_alerts_per_s"] > 0
        assert found[f"{name}_share_of_bare"] > 0


def test_a_steady_state_is_measured():
    """Every job that is due within an hour has run, and a year with credits lies behind."""
    found = steady_state.run(contracts=30, hours=1)

    jobs = {"observe", "reconcile", "repair", "silences", "deliver", "lease"}
    assert {f"{name}_s_a_day" for name in jobs} <= found.keys()
    assert found["cpu_s_a_day"] > 0
    assert found["credits_behind"] == 12
