"""WHMCS, by its action API.

WHMCS takes the same credit any number of times, so the reference stands in the description, and
``GetCredits`` says whether it is there. Errors come as ``{"result": "error"}`` with HTTP 200, types
are loose. The description of a credit is seen by administrators only; an invoice line by the
customer. There is no action that gives money back, so a refund is not among its forms.

https://developers.whmcs.com/api/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from sla_exporter.core.periods import datetime_of
from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryWaits
from sla_exporter.ports.delivery import Address, Entered, SinkSection
from sla_exporter.sinks import loose
from sla_exporter.sinks.http import TIMEOUT_S, Answer, Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sla_exporter.outgoing import Network
    from sla_exporter.ports import Clock
    from sla_exporter.ports.delivery import Credit

_INVOICE_WAIT_MS = 12 * 3_600_000
_ACCESS = ("authentication failed", "invalid ip", "invalid permissions", "access denied")
_PAGE = 100
_PERIOD = re.compile(r"/(\d{4})(?:-(\d\d))?[^/]*$")


class WhmcsSection(SinkSection):
    """Where WHMCS is, and the API credentials made for us there."""

    url: Address
    identifier: str
    secret: SecretStr
    access_key: SecretStr | None = None


class WhmcsSink:
    """Enters credits in a WHMCS installation, one request at a time."""

    section = WhmcsSection
    forms = frozenset({Form.ACCOUNT_CREDIT, Form.NEXT_INVOICE})
    at_once = 1
    settles_ms = 10 * 60_000

    def __init__(
        self,
        name: str,
        section: WhmcsSection,
        _clock: Clock,
        allow_private: Sequence[Network] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.name = name
        self._api = WhmcsApi(name, section, allow_private, timeout_s)

    async def find(self, credit: Credit) -> str | None:
        """Look for the reference among the client's credits, and the lines of their invoices.

        A discount may have been an account credit, before the policy's form was another.
        """
        found = [row async for row in self._credits(credit.account) if _is(row, credit)]
        if found or credit.form is not Form.NEXT_INVOICE:
            return _the_one(found, credit, sign=1)
        return await self._find_line(credit)

    async def issue(self, credit: Credit) -> str:
        """Add the credit, and give the id of its row."""
        amount = loose.two_decimals(credit.amount)
        await self._check_currency(credit)
        if credit.form is Form.NEXT_INVOICE:
            return await self._add_line(credit, amount)
        await self._api.call(
            "AddCredit",
            writes=True,
            clientid=credit.account,
            description=credit.note,
            amount=amount,
            date=_day(credit.entry.posted_at_ms),
            type="add",
        )
        try:
            return await self.find(credit) or f"client {credit.account}"
        except DeliveryError:  # it is entered; only the row's id is not known
            return f"client {credit.account}"

    async def entered(self, account: str, since_ms: int) -> list[Entered]:
        """Give our credits and invoice lines of a client."""
        found = [
            Entered(reference=ref, name=f"credit {row['id']}", amount=loose.amount(row["amount"]))
            async for row in self._credits(account)
            if (ref := loose.reference_in(row.get("description")))
        ]
        since = _day(since_ms)
        async for line in self._lines(account, since):
            ref = loose.reference_in(line.get("description"))
            if ref and not line["is_void"]:
                name = f"invoice {line['id']}"
                found.append(
                    Entered(reference=ref, name=name, amount=-loose.amount(line["amount"]))
                )
        return found

    async def close(self) -> None:
        """Give connections back."""
        await self._api.close()

    async def _credits(self, account: str) -> AsyncIterator[dict[str, Any]]:
        content = await self._api.call("GetCredits", clientid=account)
        listed = content.get("credits") or loose.flattened(content, "credits", "credit")
        for row in loose.rows(listed, "credit"):
            yield row

    async def _find_line(self, credit: Credit) -> str | None:
        since = _first_day(credit.entry.settlement)
        found = [line async for line in self._lines(credit.account, since) if _is(line, credit)]
        given = [line for line in found if not line["is_void"]]
        if found and not given:
            raise DeliveryRefused(
                f"{credit.reference} stands on invoice {found[0]['invoice']}, which is cancelled, "
                f"so {credit.amount} was not given"
            )
        return _the_one(given, credit, sign=-1)

    async def _add_line(self, credit: Credit, amount: str) -> str:
        """Put a line on the oldest unpaid invoice of which at least as much is still to be paid."""
        async for invoice in self._invoices(credit.account):
            if await self._has_room(invoice, credit):
                await self._api.call(
                    "UpdateInvoice",
                    writes=True,
                    invoiceid=str(invoice["id"]),
                    **{
                        "newitemdescription[]": credit.note,
                        "newitemamount[]": f"-{amount}",
                        "newitemtaxed[]": "0",  # or the customer would get more than is owed
                    },
                )
                return f"invoice {invoice['id']}"
        sentence = f"client {credit.account} has no unpaid invoice that is as large as the credit"
        raise DeliveryWaits(sentence, _INVOICE_WAIT_MS)

    async def _has_room(self, invoice: dict[str, Any], credit: Credit) -> bool:
        total = loose.amount(invoice.get("total", 0))
        if invoice.get("status") != "Unpaid" or total < credit.amount.amount:
            return False
        content = await self._api.call("GetInvoice", invoiceid=str(invoice["id"]))
        return loose.amount(content.get("balance", total)) >= credit.amount.amount

    async def _lines(self, account: str, since: str) -> AsyncIterator[dict[str, Any]]:
        """Give the lines of invoices that were open on that day or came later."""
        async for row in self._invoices(account):
            paid = str(row.get("datepaid", ""))[:10]
            if row.get("status") == "Paid" and paid > "0000-00-00" and paid < since:
                continue
            invoice = await self._api.call("GetInvoice", invoiceid=str(row["id"]))
            for line in loose.rows(invoice.get("items"), "item"):
                number, is_void = str(row["id"]), row.get("status") == "Cancelled"
                name = f"{number} line {line['id']}"
                yield {**line, "id": name, "invoice": number, "is_void": is_void}

    async def _invoices(self, account: str) -> AsyncIterator[dict[str, Any]]:
        start = 0
        while True:
            content = await self._api.call(
                "GetInvoices",
                userid=account,
                limitstart=str(start),
                limitnum=str(_PAGE),
                orderby="date",
                order="asc",
            )
            found = loose.rows(content.get("invoices"), "invoice")
            for row in found:
                yield row
            start += len(found)
            if not found or start >= loose.amount(content.get("totalresults", 0)):
                return

    async def _check_currency(self, credit: Credit) -> None:
        """Refuse to enter reais in an account that is kept in euros: there is no currency field."""
        content = await self._api.call("GetClientsDetails", clientid=credit.account)
        client = content.get("client") or content
        currency = client.get("currency_code")
        if currency != credit.amount.currency:
            raise DeliveryRefused(
                f"client {credit.account} is billed in {currency}, "
                f"and the credit is in {credit.amount.currency}"
            )


class WhmcsApi:
    """Calls actions; ``result`` in the body decides, whatever the HTTP status."""

    def __init__(
        self,
        name: str,
        section: WhmcsSection,
        allow_private: Sequence[Network] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._caller = Caller(who=name, allow_private=allow_private, timeout_s=timeout_s)
        self._url = section.url.rstrip("/")
        if not self._url.endswith(".php"):
            self._url += "/includes/api.php"
        self._access = {
            "identifier": section.identifier,
            "secret": section.secret.get_secret_value(),
            "responsetype": "json",
        }
        if section.access_key:
            self._access["accesskey"] = section.access_key.get_secret_value()

    async def call(self, action: str, *, writes: bool = False, **fields: str) -> dict[str, Any]:
        """Call an action and give what it answers if it succeeded."""
        data = {**self._access, "action": action, **fields}
        ask = self._caller.write if writes else self._read
        answer = await ask(self._url, data=data)
        content = answer.content if isinstance(answer.content, dict) else {}
        result = content.get("result", content.get("status"))
        if result == "success":
            return content
        if result == "error" or answer.status in {401, 403, 404}:
            raise _refusal(action, str(content.get("message", f"HTTP {answer.status}")))
        raise self._caller.trouble(f"gave {action} an answer that makes no sense", writes=writes)

    async def close(self) -> None:
        """Give connections back."""
        await self._caller.close()

    async def _read(self, url: str, **what: Any) -> Answer:
        return await self._caller.read("POST", url, **what)


def _refusal(action: str, message: str) -> DeliveryError:
    """Sort WHMCS' messages: there are no codes. What the operator can mend is tried again."""
    sentence = f"WHMCS refuses {action}: {message}"
    if any(words in message.lower() for words in _ACCESS) or message.startswith("HTTP"):
        return DeliveryDelayed(sentence)
    return DeliveryRefused(sentence)


def _is(row: dict[str, Any], credit: Credit) -> bool:
    return loose.reference_in(row.get("description")) == credit.reference


def _the_one(found: list[dict[str, Any]], credit: Credit, sign: int) -> str | None:
    """Give the name of the row; stop for a person if its amount is another than ours."""
    if not found:
        return None
    row = found[0]
    amount = sign * loose.amount(row.get("amount"))
    if amount != credit.amount.amount:
        raise DeliveryRefused(
            f"{credit.reference} stands in WHMCS with {amount}, "
            f"and the ledger says {credit.amount.amount}"
        )
    return f"credit {row['id']}" if sign > 0 else f"invoice {row['id']}"


def _day(at_ms: int) -> str:
    return datetime_of(at_ms).date().isoformat()


def _first_day(settlement: str) -> str:
    """Give a day before which nothing was given for a settlement, by the period in its key.

    The day on which the credit was posted is none: after a restore it is posted once more.
    """
    found = _PERIOD.search(settlement)
    return f"{found[1]}-{found[2] or '01'}-01" if found else ""
