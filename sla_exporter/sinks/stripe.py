"""Stripe: customer balance transactions, credit notes and refunds.

Every request that enters something carries an idempotency key. Stripe may forget keys after 24
hours, so the reference in the metadata is looked for first. A request that failed with 500 keeps
failing under its key; when such an answer is replayed, and nothing stands there, the next key is
used. The API version is pinned.

https://docs.stripe.com/api
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import SecretStr

from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import DeliveryDelayed, DeliveryRefused, DeliveryWaits, OutcomeUnknown
from sla_exporter.ports.delivery import Address, Entered, SinkSection
from sla_exporter.sinks.http import TIMEOUT_S, Answer, Caller
from sla_exporter.sinks.stripe_amounts import from_stripe, to_stripe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from sla_exporter.outgoing import Network
    from sla_exporter.ports import Clock
    from sla_exporter.ports.delivery import Credit

API_VERSION = "2026-10-28.endive"
_DAY_S = 86_400
_KINDS = ("balance", "credit_notes", "refunds")
_CREDITED = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
_CAME_TO_NOTHING = {"failed", "canceled", "void"}
_MOST_KEYS = 5
_INVOICE_WAIT_MS = 12 * 3_600_000
_KEYS_FORGOTTEN_MS = 25 * 3_600_000


class StripeSection(SinkSection):
    """A restricted key, and how account credits are given.

    As a ``credit_note`` on the latest paid invoice the customer sees what it is for; the amount
    goes to their balance all the same.
    """

    key: SecretStr
    url: Address = "https://api.stripe.com"
    account_credit: Literal["balance", "credit_note"] = "balance"


class StripeSink:
    """Enters credits at Stripe."""

    section = StripeSection
    forms = frozenset({Form.ACCOUNT_CREDIT, Form.NEXT_INVOICE, Form.REFUND})
    at_once = 8
    settles_ms = 60_000

    def __init__(
        self,
        name: str,
        section: StripeSection,
        _clock: Clock,
        allow_private: Sequence[Network] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.name = name
        self._by_note = section.account_credit == "credit_note"
        self._api = StripeApi(name, section, allow_private, timeout_s)

    async def find(self, credit: Credit) -> str | None:
        """Look through all that was ever entered for the customer, in whatever way.

        The way may be another by now, and a credit that is posted again after a restore stood there
        before that.
        """
        likely = self._kind(credit)
        for kind in sorted(_KINDS, key=lambda kind: kind != likely):
            async for row in self._ours(kind, credit.account, {}):
                entered = _entered(kind, row)
                if entered.reference == credit.reference:
                    _check(row, entered, credit)
                    return entered.name
        return None

    async def issue(self, credit: Credit) -> str:
        """Enter the credit and give its id."""
        minor = to_stripe(credit.amount)
        kind = self._kind(credit)
        if kind == "refunds":
            path, fields = "refunds", await self._refund(credit, minor)
        elif kind == "credit_notes":
            path, fields = "credit_notes", await self._note(credit, minor)
        else:
            path = f"customers/{credit.account}/balance_transactions"
            fields = await self._balance(credit, minor)
        fields |= {"metadata[sla_reference]": credit.reference}
        # Another path or target makes another request, which needs a key of its own.
        target = fields.get("charge") or fields.get("invoice") or "balance"
        key = f"{credit.reference}/{credit.account}/{target}"
        return str((await self._api.create(path, fields, key))["id"])

    async def entered(self, account: str, since_ms: int) -> list[Entered]:
        """Give our credits of a customer, whatever their form, if they came to something."""
        since = {"created[gte]": str(since_ms // 1000 - _DAY_S)}
        return [
            _entered(kind, row)
            for kind in _KINDS
            async for row in self._ours(kind, account, since)
            if row.get("status") not in _CAME_TO_NOTHING
        ]

    async def close(self) -> None:
        """Give connections back."""
        await self._api.close()

    def _kind(self, credit: Credit) -> str:
        if credit.form is Form.REFUND:
            return "refunds"
        by_note = self._by_note and credit.form is Form.ACCOUNT_CREDIT
        return "credit_notes" if by_note else "balance"

    async def _ours(
        self, kind: str, account: str, since: dict[str, str]
    ) -> AsyncIterator[dict[str, Any]]:
        async for row in self._rows(kind, account, since):
            if (row.get("metadata") or {}).get("sla_reference"):
                yield row

    async def _rows(
        self, kind: str, account: str, since: dict[str, str]
    ) -> AsyncIterator[dict[str, Any]]:
        if kind == "balance":
            paths = [(f"customers/{account}/balance_transactions", since)]
        elif kind == "credit_notes":
            paths = [("credit_notes", {"customer": account, **since})]
        else:
            charges = [row async for row in self._api.pages("charges", {"customer": account})]
            refunded = [row["id"] for row in charges if row.get("amount_refunded")]
            paths = [("refunds", {"charge": charge, **since}) for charge in refunded]
        for path, filters in paths:
            async for row in self._api.pages(path, filters):
                yield row

    async def _balance(self, credit: Credit, minor: int) -> dict[str, str]:
        """Credit the balance: it is taken off the next invoice that is finalised."""
        customer = await self._api.get(f"customers/{credit.account}", {})
        currency = str(customer.get("currency") or credit.amount.currency).upper()
        if customer.get("deleted") or currency != credit.amount.currency:
            what = "is deleted" if customer.get("deleted") else f"is billed in {currency}"
            raise DeliveryRefused(f"customer {credit.account} {what}; the credit: {credit.amount}")
        return {
            "amount": str(-minor),
            "currency": credit.amount.currency.lower(),
            "description": credit.note,
        }

    async def _note(self, credit: Credit, minor: int) -> dict[str, str]:
        filters = {"customer": credit.account, "status": "paid"}
        async for invoice in self._api.pages("invoices", filters):
            credited = sum(int(invoice.get(amount) or 0) for amount in _CREDITED)
            if _holds(invoice, int(invoice["total"]) - credited, credit, minor):
                return {
                    "invoice": str(invoice["id"]),
                    "amount": str(minor),
                    "credit_amount": str(minor),
                    "memo": credit.note,
                    "reason": "product_unsatisfactory",
                    "email_type": "none",
                }
        sentence = f"customer {credit.account} has no paid invoice that is as large as the credit"
        raise DeliveryWaits(sentence, _INVOICE_WAIT_MS)

    async def _refund(self, credit: Credit, minor: int) -> dict[str, str]:
        async for charge in self._api.pages("charges", {"customer": credit.account}):
            left = int(charge["amount"]) - int(charge.get("amount_refunded") or 0)
            paid = charge.get("status") == "succeeded" and charge.get("captured", True)
            if paid and _holds(charge, left, credit, minor):
                return {"charge": str(charge["id"]), "amount": str(minor)}
        raise DeliveryRefused(
            f"customer {credit.account} has no payment of which {credit.amount} could be given back"
        )


class StripeApi:
    """Makes requests, and sorts Stripe's errors."""

    def __init__(
        self,
        name: str,
        section: StripeSection,
        allow_private: Sequence[Network] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._url = f"{section.url.rstrip('/')}/v1"
        self._caller = Caller(
            who=name,
            allow_private=allow_private,
            timeout_s=timeout_s,
            headers={
                "Authorization": f"Bearer {section.key.get_secret_value()}",
                "Stripe-Version": API_VERSION,
            },
        )

    async def get(self, path: str, filters: Mapping[str, str]) -> dict[str, Any]:
        """Read one object or page."""
        answer = await self._caller.read("GET", f"{self._url}/{path}", params=filters)
        return self._content(answer, writes=False)

    async def pages(self, path: str, filters: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """Give the objects of a list, the newest first."""
        after: dict[str, str] = {}
        while True:
            page = await self.get(path, {**filters, "limit": "100", **after})
            for row in page["data"]:
                yield row
            if not page.get("has_more") or not page["data"]:
                return
            after = {"starting_after": str(page["data"][-1]["id"])}

    async def create(self, path: str, fields: Mapping[str, str], key: str) -> dict[str, Any]:
        """Create an object, with the next key where a failure is stored under this one."""
        for number in range(1, _MOST_KEYS + 1):
            answer = await self._caller.write(
                f"{self._url}/{path}",
                data=fields,
                headers={"Idempotency-Key": f"{key}/{number}"},
                lets_through={500},
            )
            replayed = answer.headers.get("Idempotent-Replayed") == "true"
            if not (answer.status == 500 and replayed):
                return self._content(answer, writes=True)
        raise OutcomeUnknown(f"{self._caller.who} keeps failing with HTTP 500 under every key")

    async def close(self) -> None:
        """Give connections back."""
        await self._caller.close()

    def _content(self, answer: Answer, *, writes: bool) -> dict[str, Any]:
        content = answer.content if isinstance(answer.content, dict) else {}
        if answer.status == 200 and ("id" in content or isinstance(content.get("data"), list)):
            return content
        error = content.get("error") or {}
        said = f"answered {answer.status}: {error.get('message', 'nothing that makes sense')}"
        if not error or answer.status in {409, 500}:  # 409: one with this key is still at work
            raise self._caller.trouble(said, writes=writes)
        if answer.status in {401, 403}:
            raise DeliveryDelayed(f"{self._caller.who} {said}")
        if error.get("type") == "idempotency_error":
            raise DeliveryWaits(f"{self._caller.who} {said}", _KEYS_FORGOTTEN_MS)
        raise DeliveryRefused(f"{self._caller.who} {said}")


def _holds(row: Mapping[str, Any], left: int, credit: Credit, minor: int) -> bool:
    """Say whether an invoice or charge has room for the credit."""
    return str(row["currency"]).upper() == credit.amount.currency and left >= minor


def _entered(kind: str, row: Mapping[str, Any]) -> Entered:
    sign = -1 if kind == "balance" else 1
    amount = from_stripe(sign * int(row["amount"]), str(row["currency"]).upper())
    reference = str(row["metadata"]["sla_reference"])
    return Entered(reference=reference, name=str(row["id"]), amount=amount)


def _check(row: Mapping[str, Any], entered: Entered, credit: Credit) -> None:
    """Stop for a person if what stands there is not what the ledger says, or was not given."""
    status, currency = row.get("status"), str(row["currency"]).upper()
    if status in _CAME_TO_NOTHING:
        raise DeliveryRefused(
            f"{credit.reference} stands at Stripe as {status} ({entered.name}), "
            f"so {credit.amount} was not given"
        )
    if (entered.amount, currency) != (credit.amount.amount, credit.amount.currency):
        raise DeliveryRefused(
            f"{credit.reference} stands at Stripe with {currency} {entered.amount}, "
            f"and the ledger says {credit.amount}"
        )
