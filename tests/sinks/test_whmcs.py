"""WHMCS: what it answers in so many shapes, and what must not happen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.money import Money
from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import DeliveryDelayed, DeliveryRefused, DeliveryWaits
from sla_exporter.sinks.whmcs import WhmcsSection, WhmcsSink
from tests.fakes.whmcs import IDENTIFIER, SECRET, FakeWhmcs, invoice
from tests.sinks.conftest import CLOCK, LOOPBACK, NOW, another, credit_for

DAY = 86_400_000


@pytest.fixture
async def far():
    async with FakeWhmcs().running() as fake:
        yield fake


@pytest.fixture
async def sink(far):
    section = WhmcsSection(url=far.url, identifier=IDENTIFIER, secret=SECRET)
    sink = WhmcsSink("whmcs", section, CLOCK, LOOPBACK)
    yield sink
    await sink.close()


async def test_the_reference_stands_in_the_description(far, sink):
    """With what it is for, the day and two decimal places; the name is the row's id."""
    credit = credit_for("42")

    assert await sink.issue(credit) == "credit 100"

    (row,) = far.credits[""]
    assert row["description"] == f"SLA credit acme-web/2026-10 [ref:{credit.reference}]"
    assert (row["amount"], row["date"]) == ("49.99", "2026-10-26")


async def test_another_amount_under_our_reference_stops_for_a_person(far, sink):
    """Somebody changed it, or it is not ours: neither doubled nor taken for done."""
    await sink.issue(credit_for("42"))
    far.credits[""][0]["amount"] = "10.00"

    with pytest.raises(DeliveryRefused, match="stands in WHMCS with 10"):
        await sink.find(credit_for("42"))


async def test_a_client_who_pays_in_another_currency_gets_nothing(far, sink):
    """WHMCS has no currency field: 49.99 reais would be 49.99 euros."""
    far.clients["42"]["currency_code"] = "EUR"

    with pytest.raises(DeliveryRefused, match="billed in EUR, and the credit is in BRL"):
        await sink.issue(credit_for("42"))

    assert far.standing() == []


async def test_thousandths_are_not_rounded(far, sink):
    """Dinars have three decimal places, WHMCS keeps two."""
    far.clients["42"]["currency_code"] = "KWD"
    credit = another(credit_for("42"), amount=Money.of("1.235", "KWD"))

    with pytest.raises(DeliveryRefused, match="not a whole number of cents"):
        await sink.issue(credit)


async def test_an_unknown_client_is_a_refusal(sink):
    """In WHMCS' own words; it comes with HTTP 200."""
    with pytest.raises(DeliveryRefused, match="Client ID Not Found"):
        await sink.find(credit_for("77"))


@pytest.mark.parametrize(
    ("far_allows", "words"), [({"GetCredits", "GetClientsDetails"}, "addcredit"), (set(), "get")]
)
async def test_a_role_without_the_action_is_the_operators_to_mend(far, sink, far_allows, words):
    """The sentence names the action that must be allowed."""
    far.allowed = far_allows

    with pytest.raises(DeliveryDelayed, match=words):
        await sink.issue(credit_for("42"))


async def test_without_an_unpaid_invoice_a_discount_waits(far, sink):
    """For the next one, however long that takes."""
    far.invoices = [invoice(1, "499.90", status="Paid", datepaid="2026-11-01 10:00:00")]

    with pytest.raises(DeliveryWaits, match="no unpaid invoice"):
        await sink.issue(credit_for("42", Form.NEXT_INVOICE))


async def test_a_discount_is_a_line_without_tax(far, sink):
    """What the customer pays less is what the ledger says, to the cent."""
    far.invoices = [invoice(1, "100.00"), invoice(2, "30.00"), invoice(3, "200.00")]

    name = await sink.issue(credit_for("42", Form.NEXT_INVOICE))

    assert name == "invoice 1"
    (line,) = far.invoices[0]["lines"]
    assert (line["amount"], line["taxed"]) == ("-49.99", "0")
    assert await sink.find(credit_for("42", Form.NEXT_INVOICE)) == "invoice 1 line 1"


async def test_a_discount_is_given_on_what_is_still_to_be_paid(far, sink):
    """Of an invoice that is paid in part, nobody would give back what is paid too much."""
    far.invoices = [invoice(1, "100.00", paid="60.00"), invoice(2, "100.00", paid="50.01")]

    assert await sink.issue(credit_for("42", Form.NEXT_INVOICE)) == "invoice 2"


@pytest.mark.parametrize("period", ["2026-10", "2026-10-05", "2026-Q4", "2026", "as it was"])
async def test_a_discount_that_is_posted_again_much_later_is_found(far, sink, period):
    """After a restore; the invoice that it stands on was paid long before."""
    far.invoices = [invoice(1, "100.00")]
    credit = another(credit_for("42", Form.NEXT_INVOICE), settlement=f"acme-web/{period}")
    await sink.issue(credit)
    far.invoices[0] |= {"status": "Paid", "datepaid": "2026-10-27 10:00:00"}
    far.invoices.append(invoice(2, "100.00"))
    again = replace(credit, entry=replace(credit.entry, posted_at_ms=NOW + 90 * DAY))

    assert await sink.find(again) == "invoice 1 line 1"


async def test_a_discount_on_an_invoice_that_was_cancelled_is_for_a_person(far, sink):
    """Nobody pays that invoice, so nobody pays less; reading back misses it."""
    far.invoices = [invoice(1, "100.00"), invoice(2, "100.00")]
    await sink.issue(credit_for("42", Form.NEXT_INVOICE))
    far.invoices[0]["status"] = "Cancelled"

    assert await sink.entered("42", NOW) == []
    with pytest.raises(DeliveryRefused, match="stands on invoice 1, which is cancelled"):
        await sink.find(credit_for("42", Form.NEXT_INVOICE))


async def test_a_credit_is_not_given_once_more_as_a_discount(far, sink):
    """The policy has another form by the time that the credit is posted again."""
    far.invoices = [invoice(1, "100.00")]
    await sink.issue(credit_for("42"))

    assert await sink.find(credit_for("42", Form.NEXT_INVOICE)) == "credit 100"


async def test_invoices_paid_before_the_period_are_not_read(far, sink):
    """A client may have years of them."""
    paid = {"status": "Paid", "datepaid": "2026-09-01 10:00:00"}
    far.invoices = [invoice(1, "100.00", **paid), invoice(2, "100.00")]

    assert await sink.find(credit_for("42", Form.NEXT_INVOICE)) is None

    assert far.actions.count("GetInvoice") == 1


async def test_credits_and_lines_are_read_back_and_others_are_left_out(far, sink):
    """Over all pages; what an administrator gave by hand is not ours."""
    far.credits[""] = [
        {"id": "1", "clientid": "42", "date": "", "description": "Goodwill", "amount": "5.00"}
    ]
    far.invoices = [invoice(number, "500.00") for number in range(1, 6)]
    account = credit_for("42")
    line = another(credit_for("42", Form.NEXT_INVOICE))
    await sink.issue(account)
    await sink.issue(line)

    found = await sink.entered("42", NOW)

    assert {one.reference for one in found} == {account.reference, line.reference}
    assert {str(one.amount) for one in found} == {"49.99"}


def test_credentials_are_in_no_text():
    """Neither in logs nor in tracebacks."""
    section = WhmcsSection(url="https://x.example", identifier="me", secret="hunter2")

    assert "hunter2" not in repr(section)
