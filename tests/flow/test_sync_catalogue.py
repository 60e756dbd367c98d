"""Sync: services and clients become customers; what was true for the past stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from sla_exporter.flow.sync_catalogue import Product, Syncer, SyncRule, monthly
from sla_exporter.ports.catalogue import BilledClient, BilledService

TODAY = date(2026, 11, 24)
ACME = BilledClient(
    id="42", name="Acme Ltda", currency="BRL", email="ops@acme.example", locale="pt_BR"
)
CLIENTS = {"42": ACME}


def service(number: str = "101", **changes) -> BilledService:
    plain = {
        "id": number,
        "client": "42",
        "product": "12",
        "is_active": True,
        "since": date(2025, 3, 6),
        "recurring": Decimal("499.90"),
        "cycle": "Monthly",
        "months": 1,
        "places": {"domain": "acme.example"},
    }
    return BilledService(**(plain | changes))


def sync(before=(), services=None, label=None, place="domain"):
    rule = SyncRule(
        sink="whmcs",
        products={"12": Product(service="web", policy="gold")},
        label=label,
        place=place,
    )
    syncer = Syncer(rule=rule, today=TODAY)
    services = [service()] if services is None else services
    return syncer.customers(list(before), services, CLIENTS), syncer.remarks


def test_a_client_with_a_service_becomes_a_customer_with_a_contract():
    """Everything that the configuration needs, and the way back to the billing system."""
    assert sync() == (
        [
            {
                "id": "whmcs-42",
                "name": "Acme Ltda",
                "currency": "BRL",
                "billing": {"whmcs": "42"},
                "locale": "pt_BR",
                "email": "ops@acme.example",
                "contracts": [
                    {
                        "id": "whmcs-101",
                        "service": "web",
                        "policy": "gold",
                        "fee": "499.90",
                        "since": "2025-03-06",
                    }
                ],
            }
        ],
        [],
    )


def test_an_address_that_is_none_is_left_out(monkeypatch):
    """The file would not load with it, and nobody would be a customer any more."""
    monkeypatch.setitem(CLIENTS, "42", replace(CLIENTS["42"], email="ops at acme.example"))

    (customer,), remarks = sync()

    assert "email" not in customer
    assert remarks == [
        "whmcs-42: 'ops at acme.example' is not an e-mail address, so no notice can be mailed"
    ]


def test_syncing_again_changes_nothing():
    """Nor does it say anything."""
    before, _ = sync(label="instance")

    assert sync(before, label="instance") == (before, [])


def test_a_fee_that_changed_counts_from_today_on():
    """What is settled for the time before has the fee of then; twice in a day, the last counts."""
    before, _ = sync()
    raised, remarks = sync(before, [service(recurring=Decimal("599.90"))])
    again, _ = sync(raised, [service(recurring=Decimal("610.00"))])

    contract = raised[0]["contracts"][0]
    assert contract["fee"] == "499.90"
    assert contract["price_changes"] == [{"since": "2026-11-24", "fee": "599.90"}]
    assert remarks == ["whmcs-101: the fee is 599.90 from 2026-11-24 on"]
    assert again[0]["contracts"][0]["price_changes"] == [{"since": "2026-11-24", "fee": "610.00"}]


@pytest.mark.parametrize("now", [[service(is_active=False)], []])
def test_a_service_that_ended_keeps_its_last_month(now):
    """Terminated or deleted over there: its last day is today, and stays so."""
    before, _ = sync()
    ended, remarks = sync(before, now)

    assert ended[0]["contracts"][0]["until"] == "2026-11-24"
    assert remarks == ["whmcs-101: its last day is 2026-11-24"]
    assert sync(ended, now) == (ended, [])


def test_a_service_that_ended_before_we_knew_it_is_left_out():
    """It was promised nothing here."""
    assert sync(services=[service(is_active=False)]) == ([], [])


@pytest.mark.parametrize(
    ("recurring", "months", "fee"),
    [
        ("499.90", 1, "499.90"),
        ("120.00", 12, "10.00"),
        ("30.03", 3, "10.01"),
        ("100.00", 12, None),
        ("0.00", 1, None),
        ("50.00", None, None),
    ],
)
def test_a_fee_of_a_month_is_one_to_the_cent_or_none(recurring, months, fee):
    """A twelfth that would have to be rounded is a person's to decide."""
    found = monthly(service(recurring=Decimal(recurring), months=months))

    assert (None if found is None else str(found)) == fee


def test_what_cannot_be_taken_over_is_said_and_stays_as_it_was():
    """It may have been a monthly one before."""
    before, _ = sync()
    yearly = service(recurring=Decimal("100.00"), cycle="Annually", months=12)

    after, remarks = sync(before, [yearly])

    assert after == before
    assert remarks == [
        "whmcs-101: 100.00 Annually is no fee of a month to the cent; write this contract by hand"
    ]


def test_series_are_found_by_where_the_service_runs():
    """Whatever is in the name; a service without a place is told."""
    found, _ = sync(services=[service(places={"domain": 'a"b\\c'})], label="instance")
    _, remarks = sync(label="instance", place="dedicatedip")

    assert found[0]["contracts"][0]["matchers"] == 'instance="a\\"b\\\\c"'
    assert remarks == ["whmcs-101: it has no dedicatedip, so no series is its own"]
