"""The webhook's signature, and what is special about the smaller sinks."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint

import pytest
from pydantic import SecretStr, ValidationError

from sla_exporter.core.money import Money
from sla_exporter.errors import DeliveryDelayed, DeliveryRefused, SlaExporterError
from sla_exporter.sinks import loose
from sla_exporter.sinks.invoiceninja import InvoiceNinjaSection, InvoiceNinjaSink
from sla_exporter.sinks.registry import GROUP, sink_classes, sink_kinds
from sla_exporter.sinks.webhook import WebhookSection, WebhookSink, signature
from tests.conftest import FixedClock
from tests.fakes.invoiceninja import DRAFT, TOKEN, FakeInvoiceNinja
from tests.fakes.receiver import SECRET, FakeReceiver
from tests.sinks.conftest import CLOCK, LOOPBACK, NOW, another, credit_for


def test_the_signature_is_that_of_the_specification():
    """The example of the Standard Webhooks libraries."""
    secret = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signed = signature(
        secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    )

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["whsec_short", "whsec_!!", "plain", ""])
def test_a_secret_that_is_no_key_is_an_error_of_the_configuration(secret):
    """Not one of the month's end; it is not shown."""
    with pytest.raises(ValidationError, match="whsec_ and the base64") as caught:
        WebhookSection(url="https://x.example", secret=secret)

    assert not secret or secret not in str(caught.value)


async def test_an_event_says_everything_and_cannot_be_played_again_later():
    """Amounts are text; an old time stamp is refused by the receiver."""
    async with FakeReceiver(NOW // 1000).running() as far:
        section = WebhookSection(url=far.url, secret=SECRET)
        sink = WebhookSink("webhook", section, CLOCK, LOOPBACK)
        late = WebhookSink("webhook", section, FixedClock(NOW - 3_600_000), LOOPBACK)
        credit = credit_for("acct-7")

        assert await sink.issue(credit) == f"r-{credit.reference}"
        with pytest.raises(DeliveryDelayed, match="HTTP 401"):
            await late.issue(credit)
        await sink.close()
        await late.close()

    event = json.loads(far.events[0])
    assert event["type"] == "sla.credit.issued"
    assert event["data"] == {
        "reference": credit.reference,
        "kind": "grant",
        "customer": "acme",
        "account": "acct-7",
        "contract": "acme-web",
        "policy": "gold",
        "form": "account credit",
        "amount": "49.99",
        "currency": "BRL",
        "settlement": "acme-web/2026-10",
        "posted_at": "2026-10-26T07:33:20Z",
    }


async def test_invoice_ninja_refuses_a_number_twice_by_itself():
    """And a credit in another currency is refused here: it would get the client's."""
    async with FakeInvoiceNinja().running() as far:
        section = InvoiceNinjaSection(url=far.url, token=TOKEN, currency="BRL")
        sink = InvoiceNinjaSink("invoiceninja", section, CLOCK, LOOPBACK)
        credit = credit_for(far.client)
        await sink.issue(credit)

        with pytest.raises(DeliveryRefused, match="already been taken"):
            await sink.issue(credit)
        with pytest.raises(DeliveryRefused, match="bills in BRL"):
            await sink.issue(another(credit, amount=Money.of("1.00", "EUR")))
        await sink.close()

    assert far.credits[0]["public_notes"] == credit.note
    assert len(far.credits) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [({"status_id": DRAFT}, "as a draft"), ({"is_deleted": True}, "as deleted")],
)
async def test_what_gives_nothing_in_invoice_ninja_is_for_a_person(change, words):
    """Its number is taken, and the client has nothing of it."""
    async with FakeInvoiceNinja().running() as far:
        section = InvoiceNinjaSection(url=far.url, token=TOKEN, currency="BRL")
        sink = InvoiceNinjaSink("invoiceninja", section, CLOCK, LOOPBACK)
        credit = credit_for(far.client)
        await sink.issue(credit)
        far.credits[0] |= change

        assert await sink.entered(far.client, NOW) == []
        with pytest.raises(DeliveryRefused, match=f"stands in Invoice Ninja {words}"):
            await sink.find(credit)
        await sink.close()


@pytest.mark.parametrize("empty", [None, "", [], {}, {"credit": []}, {"credit": ""}, "none"])
def test_an_empty_list_has_many_shapes(empty):
    """All of them are empty."""
    assert loose.rows(empty, "credit") == []


@pytest.mark.parametrize(
    ("value", "expected"), [("12.95", "12.95"), (3, "3"), (" 1,234.50 ", "1234.50"), ("0", "0")]
)
def test_amounts_are_read_exactly(value, expected):
    """From text or whole numbers."""
    assert str(loose.amount(value)) == expected


@pytest.mark.parametrize("value", ["", None, "NaN", "Infinity", "twelve", {}])
def test_what_is_no_amount_is_not_taken_for_one(value):
    """Nothing is decided on it."""
    with pytest.raises(DeliveryDelayed, match="where an amount belongs"):
        loose.amount(value)


def test_a_package_that_is_broken_is_told(monkeypatch):
    """By its name, and without a traceback."""
    point = EntryPoint(name="pigeon", value="there.is.no.such:Thing", group=GROUP)
    monkeypatch.setattr("sla_exporter.sinks.registry.entry_points", lambda group: [point])

    with pytest.raises(SlaExporterError, match="'pigeon' cannot be loaded: No module named"):
        sink_classes()


def test_packages_bring_sinks_by_entry_point(monkeypatch):
    """Beside ours, which they cannot replace."""

    class Point:
        def __init__(self, name, sink):
            self.name, self.sink = name, sink

        def load(self):
            return self.sink

    points = [Point("pigeon", WebhookSink), Point("stripe", WebhookSink)]
    monkeypatch.setattr("sla_exporter.sinks.registry.entry_points", lambda group: points)

    assert sink_classes()["pigeon"] is WebhookSink
    assert sink_classes()["stripe"] is not WebhookSink
    assert set(sink_kinds()) == {
        "fossbilling", "invoiceninja", "pigeon", "stripe", "webhook", "whmcs"
    }  # fmt: skip
