"""Ledger entries: their keys, their references, their chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.ledger import GENESIS, grant
from sla_exporter.core.money import Money
from tests.cast import ACME, contract, outage, settled

ENTRY = grant(settled(outage(3, 10, 95)), posted_at_ms=1_700_000_000_000)


def test_the_same_settlement_always_has_the_same_key_and_reference():
    """Whenever it is posted: a second time is recognised, here and in the billing system."""
    again = grant(settled(outage(3, 10, 95)), posted_at_ms=1_800_000_000_000)

    assert (again.key, again.reference) == (ENTRY.key, ENTRY.reference)
    assert ENTRY.key == "grant/acme-web/2026-10"


def test_other_contracts_have_other_references():
    """Two credits are never taken for one."""
    other = grant(settled(outage(3, 10, 95), of=contract(ACME, id="acme-db")), posted_at_ms=0)

    assert other.reference != ENTRY.reference


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Money.of("50.00", "BRL")},
        {"customer": "cedar"},
        {"settlement": "acme-web/2026-09"},
        {"posted_at_ms": 1_700_000_000_001},
    ],
)
def test_any_change_breaks_the_chain(change):
    """The hash covers everything that an entry says, and the entry before it."""
    assert replace(ENTRY, **change).chained(GENESIS) != ENTRY.chained(GENESIS)
    assert ENTRY.chained("0" * 63 + "1") != ENTRY.chained(GENESIS)
