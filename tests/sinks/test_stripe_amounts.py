"""Stripe's currencies: what is credited is what the ledger says, whatever unit it is written in."""

from __future__ import annotations

import pytest

from sla_exporter.core.currencies import MINOR_UNIT_DIGITS
from sla_exporter.core.money import Money
from sla_exporter.errors import DeliveryRefused
from sla_exporter.sinks.stripe import StripeSection, StripeSink
from sla_exporter.sinks.stripe_amounts import from_stripe, to_stripe
from tests.fakes.stripe import (
    KEY,
    NOT_SUPPORTED,
    THREE_DECIMAL,
    WITH_TWO_ALL_THE_SAME,
    ZERO_DECIMAL,
    FakeStripe,
    worth,
)
from tests.sinks.conftest import CLOCK, LOOPBACK, NOW, credit_for


@pytest.fixture
async def far():
    async with FakeStripe(NOW // 1000).running() as fake:
        fake.customers["cus_1"]["currency"] = None
        yield fake


@pytest.fixture
async def sink(far):
    sink = StripeSink("stripe", StripeSection(url=far.url, key=KEY), CLOCK, LOOPBACK)
    yield sink
    await sink.close()


WITHOUT_CENTS = sorted({*ZERO_DECIMAL, *WITH_TWO_ALL_THE_SAME})
SPECIAL = [
    *((code, "5000") for code in WITHOUT_CENTS),
    *((code, "5.120") for code in THREE_DECIMAL),
    *((code, "10.45") for code in ("HUF", "TWD", "EUR", "BRL")),
]


@pytest.mark.parametrize(("currency", "amount"), SPECIAL)
async def test_what_is_given_and_read_back_is_what_the_ledger_says(far, sink, currency, amount):
    """In all currencies that Stripe says something of, and in some that it does not."""
    credit = credit_for("cus_1", amount=amount, currency=currency)

    await sink.issue(credit)

    assert far.standing() == [(credit.reference, credit.amount.amount)]
    assert await sink.find(credit) == "bal_1"
    assert [one.amount for one in await sink.entered("cus_1", NOW)] == [credit.amount.amount]


@pytest.mark.parametrize(
    ("amount", "currency", "stripes"),
    [
        ("10.00", "USD", 1_000),
        ("500", "JPY", 500),
        ("5000.00", "MGA", 5_000),  # ISO 4217 has two decimal places, Stripe none
        ("5", "UGX", 500),  # the other way round
        ("5", "ISK", 500),
        ("5.120", "KWD", 5_120),
    ],
)
def test_amounts_are_written_as_in_stripes_examples(amount, currency, stripes):
    """And read in the same way."""
    money = Money.of(amount, currency)

    assert to_stripe(money) == stripes
    assert from_stripe(stripes, currency) == money.amount


@pytest.mark.parametrize("currency", sorted(set(MINOR_UNIT_DIGITS) - set(NOT_SUPPORTED)))
def test_no_currency_is_given_in_another_unit_than_stripes(currency):
    """Twenty of every one that ISO 4217 knows are worth twenty there."""
    money = Money.of("20", currency)

    assert worth(to_stripe(money), currency) == money.amount


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("5000.50", "MGA"), ("5.124", "KWD"), ("0.001", "TND"), ("0.00", "EUR"), ("-5.00", "EUR")],
)
async def test_what_stripe_cannot_take_exactly_is_refused(far, sink, amount, currency):
    """Not rounded: a person decides."""
    with pytest.raises(DeliveryRefused, match=f"Stripe does not take {currency}"):
        await sink.issue(credit_for("cus_1", amount=amount, currency=currency))

    assert far.standing() == []


@pytest.mark.parametrize("currency", NOT_SUPPORTED)
async def test_a_currency_whose_unit_stripe_does_not_say_is_refused(far, sink, currency):
    """ISO 4217 has other than two decimal places for it, and Stripe's list does not name it."""
    with pytest.raises(DeliveryRefused, match=f"in which unit it takes {currency}"):
        await sink.issue(credit_for("cus_1", amount="20", currency=currency))

    assert far.standing() == []


@pytest.mark.parametrize(("amount", "currency"), [(1234, "ISK"), (-5_124, "KWD")])
def test_what_somebody_else_entered_is_read_as_it_stands(amount, currency):
    """Even where we could not have written it."""
    assert from_stripe(amount, currency) == worth(amount, currency)
