"""Every billing sink passes the same contract, against a server that behaves as documented."""

from __future__ import annotations

import pytest

from sla_exporter.core.policy.terms import Form
from sla_exporter.sinks.contract import SinkContract
from sla_exporter.sinks.fossbilling import FossbillingSection, FossbillingSink
from sla_exporter.sinks.invoiceninja import InvoiceNinjaSection, InvoiceNinjaSink
from sla_exporter.sinks.stripe import StripeSection, StripeSink
from sla_exporter.sinks.webhook import WebhookSection, WebhookSink
from sla_exporter.sinks.whmcs import WhmcsSection, WhmcsSink
from tests.fakes import fossbilling, invoiceninja, receiver, stripe, whmcs
from tests.sinks.conftest import CLOCK, LOOPBACK, NOW, NOWHERE, credit_for

WAIT_S = 0.3


class _Built(SinkContract):
    """Builds a sink on the fake, one with wrong credentials, and one that nobody answers."""

    @pytest.fixture
    async def sink(self, far):
        async with _closed(self.build(far.url)) as sink:
            yield sink

    @pytest.fixture
    async def stranger(self, far):
        async with _closed(self.build(far.url, right=False)) as sink:
            yield sink

    @pytest.fixture
    async def lost(self, far):
        async with _closed(self.build(NOWHERE, reads=far.url)) as sink:
            yield sink


class _closed:  # noqa: N801 - reads as what it is: a sink that will be closed
    def __init__(self, sink):
        self.sink = sink

    async def __aenter__(self):
        return self.sink

    async def __aexit__(self, *_):
        await self.sink.close()


class TestWhmcs(_Built):
    @pytest.fixture(params=["nested", "single", "flattened"])
    async def far(self, request):
        async with whmcs.FakeWhmcs(request.param).running() as fake:
            yield fake

    @pytest.fixture
    def credit(self):
        return credit_for("42")

    def build(self, url, *, right=True, reads=""):
        secret = whmcs.SECRET if right else "wrong"
        section = WhmcsSection(url=url, identifier=whmcs.IDENTIFIER, secret=secret)
        return WhmcsSink("whmcs", section, CLOCK, LOOPBACK, WAIT_S)


class TestWhmcsInvoiceLine(TestWhmcs):
    """A discount on the next invoice: a line on an unpaid one."""

    @pytest.fixture
    async def far(self):
        async with whmcs.FakeWhmcs().running() as fake:
            paid = {"status": "Paid", "datepaid": "2026-09-01 10:00:00"}
            fake.invoices = [
                whmcs.invoice(1, "499.90", **paid),
                whmcs.invoice(2, "12.00"),
                whmcs.invoice(3, "499.90"),
            ]
            yield fake

    @pytest.fixture
    def credit(self):
        return credit_for("42", Form.NEXT_INVOICE)


class TestStripeBalance(_Built):
    account_credit = "balance"
    form = Form.ACCOUNT_CREDIT

    @pytest.fixture
    async def far(self):
        async with stripe.FakeStripe(NOW // 1000).running() as fake:
            charge = {"currency": "brl", "customer": "cus_1", "created": NOW // 1000 - 9_000_000}
            paid = {"amount": 49_990, "amount_refunded": 0, "status": "succeeded"}
            fake.objects["charges"] = [
                {**charge, **paid, "id": "ch_1"},
                {**charge, **paid, "id": "ch_2", "amount_refunded": 49_000},
            ]
            invoice = {**charge, "total": 49_990, "post_payment_credit_notes_amount": 0}
            fake.objects["invoices"] = [
                {**invoice, "id": "in_1", "status": "paid"},
                {**invoice, "id": "in_2", "status": "open"},
                {**invoice, "id": "in_3", "status": "paid", "total": 100},
            ]
            yield fake

    @pytest.fixture
    def credit(self):
        return credit_for("cus_1", self.form)

    def build(self, url, *, right=True, reads=""):
        key = stripe.KEY if right else "sk_wrong"
        section = StripeSection(url=url, key=key, account_credit=self.account_credit)
        return StripeSink("stripe", section, CLOCK, LOOPBACK, WAIT_S)


class TestStripeCreditNote(TestStripeBalance):
    account_credit = "credit_note"


class TestStripeRefund(TestStripeBalance):
    form = Form.REFUND


class TestWebhook(_Built):
    lookup = False

    @pytest.fixture
    async def far(self):
        async with receiver.FakeReceiver(NOW // 1000).running() as fake:
            yield fake

    @pytest.fixture
    def credit(self):
        return credit_for("any")

    def build(self, url, *, right=True, reads=""):
        secret = receiver.SECRET if right else "whsec_" + "A" * 32
        lookup = f"{reads or url}/credits" if self.lookup else None
        section = WebhookSection(url=f"{url}/events", secret=secret, lookup=lookup)
        return WebhookSink("webhook", section, CLOCK, LOOPBACK, WAIT_S)


class TestWebhookWithLookup(TestWebhook):
    lookup = True


class TestFossbilling(_Built):
    @pytest.fixture
    async def far(self):
        async with fossbilling.FakeFossbilling().running() as fake:
            others = {"description": "Gift", "amount": "5.00", "currency": "BRL"}
            fake.balance = [{**others, "id": 90 + n, "created_at": "2026-10-01"} for n in range(3)]
            yield fake

    @pytest.fixture
    def credit(self):
        return credit_for("7")

    def build(self, url, *, right=True, reads=""):
        section = FossbillingSection(url=url, key=fossbilling.KEY if right else "wrong")
        return FossbillingSink("fossbilling", section, CLOCK, LOOPBACK, WAIT_S)


class TestInvoiceNinja(_Built):
    @pytest.fixture
    async def far(self):
        async with invoiceninja.FakeInvoiceNinja().running() as fake:
            other = {"client_id": fake.client, "amount": "5.00", "id": "x"}
            fake.credits = [{**other, "number": str(number)} for number in range(3)]
            yield fake

    @pytest.fixture
    def credit(self):
        return credit_for(invoiceninja.FakeInvoiceNinja.client)

    def build(self, url, *, right=True, reads=""):
        token = invoiceninja.TOKEN if right else "wrong"
        section = InvoiceNinjaSection(url=url, token=token, currency="BRL")
        return InvoiceNinjaSink("invoiceninja", section, CLOCK, LOOPBACK, WAIT_S)
