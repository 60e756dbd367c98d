"""Stripe: keys that replay, keys that are forgotten, and what comes back from its currencies."""

from __future__ import annotations

import asyncio

import pytest
import stripe

from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import DeliveryRefused, DeliveryWaits, OutcomeUnknown
from sla_exporter.sinks.contract import Trouble
from sla_exporter.sinks.stripe import API_VERSION, StripeSection, StripeSink
from tests.fakes.stripe import KEY, FakeStripe
from tests.sinks.conftest import CLOCK, LOOPBACK, NOW, another, credit_for

NOTE, REFERENCE = credit_for("cus_1").note, credit_for("cus_1").reference


@pytest.fixture
async def far():
    async with FakeStripe(NOW // 1000).running() as fake:
        yield fake


@pytest.fixture
async def sink(far):
    sink = StripeSink("stripe", StripeSection(url=far.url, key=KEY), CLOCK, LOOPBACK)
    yield sink
    await sink.close()


async def test_the_same_key_gives_the_same_credit(far, sink):
    """Even where nobody looked for it first: a second safety."""
    credit = credit_for("cus_1")

    assert await sink.issue(credit) == await sink.issue(credit) == "bal_1"

    (row,) = far.objects["balance"]
    assert (row["amount"], row["currency"]) == (-4999, "brl")
    assert row["metadata"] == {"sla_reference": credit.reference}


def by_balance(client: stripe.StripeClient, fields, key):
    """Credit the balance with Stripe's own SDK."""
    return client.v1.customers.balance_transactions.create("cus_1", fields, key)


def by_note(client: stripe.StripeClient, fields, key):
    """Make a credit note with Stripe's own SDK."""
    return client.v1.credit_notes.create({"invoice": "in_1", "credit_amount": 4999, **fields}, key)


def by_refund(client: stripe.StripeClient, fields, key):
    """Refund a payment with Stripe's own SDK."""
    return client.v1.refunds.create({"charge": "ch_1", **fields}, key)


@pytest.mark.parametrize(
    ("form", "account_credit", "by_sdk", "fields"),
    [
        (
            Form.NEXT_INVOICE,
            "credit_note",
            by_balance,
            {"amount": -4999, "currency": "brl", "description": NOTE},
        ),
        (
            Form.ACCOUNT_CREDIT,
            "credit_note",
            by_note,
            {
                "amount": 4999,
                "memo": NOTE,
                "reason": "product_unsatisfactory",
                "email_type": "none",
            },
        ),
        (Form.REFUND, "balance", by_refund, {"amount": 4999}),
    ],
)
async def test_the_requests_are_those_of_stripes_own_sdk(far, form, account_credit, by_sdk, fields):
    """The SDK, asked for the same at the same server, sends the same, field by field."""
    common = {"id": "ch_1", "currency": "brl", "customer": "cus_1", "created": 1}
    paid = {"amount": 4999 * 2, "amount_refunded": 0, "status": "succeeded"}
    far.objects["charges"] = [common | paid]
    far.objects["invoices"] = [common | {"id": "in_1", "status": "paid", "total": 4999 * 2}]
    section = StripeSection(url=far.url, key=KEY, account_credit=account_credit)
    sink = StripeSink("stripe", section, CLOCK, LOOPBACK)
    client = stripe.StripeClient(
        KEY, stripe_version=API_VERSION, base_addresses={"api": far.url}, max_network_retries=0
    )

    await sink.issue(credit_for("cus_1", form))
    await sink.close()
    said = fields | {"metadata": {"sla_reference": REFERENCE}}
    await asyncio.to_thread(by_sdk, client, said, {"idempotency_key": "of the SDK"})

    ours, theirs = far.created
    assert ours == theirs


async def test_after_a_day_the_metadata_tells(far, sink):
    """Stripe forgets keys, so the same request would make a second credit then."""
    credit = credit_for("cus_1")
    await sink.issue(credit)
    far.forget_keys()

    assert await sink.find(credit) == "bal_1"


async def test_a_failure_that_is_stored_under_its_key_is_gone_around(far, sink):
    """It would be replayed for a day; as nothing stands there, the next key is used."""
    credit = credit_for("cus_1")
    far.meets(Trouble.BROKEN)
    with pytest.raises(OutcomeUnknown):
        await sink.issue(credit)

    assert await sink.find(credit) is None
    assert await sink.issue(credit) == "bal_1"
    assert [key.rpartition("/")[2] for key in far.keys] == ["1", "2"]


async def test_a_key_used_for_another_request_waits_until_it_is_forgotten(far, sink):
    """An older version of this program may have said it in other words."""
    credit = credit_for("cus_1")
    await sink.issue(credit)
    (stored,) = far.keys
    path, fields, status, content = far.keys[stored]
    far.keys[stored] = (path, {**fields, "description": "in other words"}, status, content)

    with pytest.raises(DeliveryWaits, match="same parameters") as caught:
        await sink.issue(credit)

    assert caught.value.after_ms > 24 * 3_600_000


async def test_pages_are_turned_until_the_credit_is_found(far, sink):
    """It is the oldest of five, and a page has two."""
    several = [another(credit_for("cus_1"), number) for number in range(5)]
    for credit in several:
        await sink.issue(credit)

    assert await sink.find(several[0]) == "bal_1"
    assert len(await sink.entered("cus_1", NOW)) == 5


@pytest.mark.parametrize(
    ("change", "words"), [({"currency": "eur"}, "billed in EUR"), ({"deleted": True}, "is deleted")]
)
async def test_a_customer_who_cannot_have_it(far, sink, change, words):
    """Refused before anything is sent."""
    far.customers["cus_1"] |= change

    with pytest.raises(DeliveryRefused, match=words):
        await sink.issue(credit_for("cus_1"))

    assert far.standing() == []


async def test_an_unknown_customer_is_a_refusal(sink):
    """In Stripe's own words."""
    with pytest.raises(DeliveryRefused, match="No such customer"):
        await sink.find(credit_for("cus_9"))


async def test_a_refund_that_no_payment_holds_is_refused(sink):
    """A person decides what to give instead."""
    with pytest.raises(DeliveryRefused, match="no payment of which BRL"):
        await sink.issue(credit_for("cus_1", Form.REFUND))


async def test_a_credit_note_goes_to_an_invoice_that_has_room_for_it(far):
    """What was credited before it was paid is gone from it, as is what was credited since."""
    common = {"customer": "cus_1", "currency": "brl", "created": 1, "status": "paid"}
    far.objects["invoices"] = [
        {**common, "id": "in_1", "total": 10_000},
        {**common, "id": "in_2", "total": 10_000, "pre_payment_credit_notes_amount": 6_000},
        {**common, "id": "in_3", "total": 10_000, "post_payment_credit_notes_amount": 6_000},
    ]
    section = StripeSection(url=far.url, key=KEY, account_credit="credit_note")
    sink = StripeSink("stripe", section, CLOCK, LOOPBACK)

    await sink.issue(credit_for("cus_1"))
    await sink.close()

    assert far.objects["credit_notes"][0]["invoice"] == "in_1"
