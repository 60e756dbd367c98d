"""What stands at Stripe is found before anything is entered, however it came to stand there."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import DeliveryRefused
from sla_exporter.sinks.contract import deliver
from sla_exporter.sinks.stripe import StripeSection, StripeSink
from tests.fakes.stripe import KEY, FakeStripe
from tests.sinks.conftest import CLOCK, LOOPBACK, NOW, credit_for

DAY = 86_400_000
BY = [
    ("balance", Form.ACCOUNT_CREDIT),
    ("credit_note", Form.ACCOUNT_CREDIT),
    ("balance", Form.NEXT_INVOICE),
    ("balance", Form.REFUND),
]


@pytest.fixture
async def far():
    async with FakeStripe(NOW // 1000).running() as fake:
        common = {"currency": "brl", "customer": "cus_1", "created": NOW // 1000 - 9_000_000}
        charge = {"id": "ch_1", "amount": 49_990, "amount_refunded": 0, "status": "succeeded"}
        fake.objects["charges"] = [common | charge]
        fake.objects["invoices"] = [common | {"id": "in_1", "status": "paid", "total": 49_990}]
        yield fake


@asynccontextmanager
async def sink_for(far, account_credit="balance"):
    section = StripeSection(url=far.url, key=KEY, account_credit=account_credit)
    sink = StripeSink("stripe", section, CLOCK, LOOPBACK)
    try:
        yield sink
    finally:
        await sink.close()


@pytest.mark.parametrize(("now_by", "now_as"), BY)
@pytest.mark.parametrize(("once_by", "once_as"), BY)
async def test_a_credit_is_found_whatever_the_configuration_says_now(
    far, once_by, once_as, now_by, now_as
):
    """Another `account_credit` before a retry, or another form after a restore, gives no second."""
    credit = credit_for("cus_1", once_as)
    async with sink_for(far, once_by) as sink:
        name = await sink.issue(credit)
    far.forget_keys()

    async with sink_for(far, now_by) as sink:
        assert await deliver(sink, credit_for("cus_1", now_as)) == name

    assert far.standing() == [(credit.reference, credit.amount.amount)]


@pytest.mark.parametrize(("account_credit", "form"), BY)
async def test_a_credit_that_is_posted_again_much_later_is_found(far, account_credit, form):
    """After a restore it has its reference, and the day on which it was posted again."""
    credit = credit_for("cus_1", form)
    again = replace(credit, entry=replace(credit.entry, posted_at_ms=NOW + 40 * DAY))

    async with sink_for(far, account_credit) as sink:
        name = await sink.issue(credit)
        far.forget_keys()

        assert await deliver(sink, again) == name

    assert far.standing() == [(credit.reference, credit.amount.amount)]


@pytest.mark.parametrize(
    ("account_credit", "form", "kind", "status"),
    [
        ("balance", Form.REFUND, "refunds", "failed"),
        ("balance", Form.REFUND, "refunds", "canceled"),
        ("credit_note", Form.ACCOUNT_CREDIT, "credit_notes", "void"),
    ],
)
async def test_what_came_to_nothing_is_for_a_person(far, account_credit, form, kind, status):
    """Reading back misses it, and nobody takes it for given."""
    credit = credit_for("cus_1", form)
    async with sink_for(far, account_credit) as sink:
        await sink.issue(credit)
        far.objects[kind][0]["status"] = status

        assert await sink.entered("cus_1", NOW) == []
        with pytest.raises(DeliveryRefused, match=f"stands at Stripe as {status}"):
            await sink.find(credit)


async def test_the_same_number_in_another_currency_is_not_the_credit(far):
    """The contract was billed in reais before the restore, and is in euros now."""
    async with sink_for(far) as sink:
        await sink.issue(credit_for("cus_1"))

        with pytest.raises(DeliveryRefused, match=r"stands at Stripe with BRL 49\.99.*EUR 49\.99"):
            await sink.find(credit_for("cus_1", currency="EUR"))


async def test_a_payment_that_is_only_reserved_is_not_refunded(far):
    """Nobody has paid it yet, so giving it back gives nothing."""
    payment = far.objects["charges"][0]
    far.objects["charges"].append({**payment, "id": "ch_2", "amount": 4_999, "captured": False})

    async with sink_for(far) as sink:
        await sink.issue(credit_for("cus_1", Form.REFUND))

    assert far.objects["refunds"][0]["charge"] == "ch_1"
