"""Stripe: idempotency keys that replay, metadata, pages, and its error shapes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sla_exporter.sinks.stripe import API_VERSION
from tests.fakes.far import FarServer

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "sk_test_fake"
Stored = tuple[str, dict[str, str], int, dict[str, Any]]
# As https://docs.stripe.com/currencies lists them.
ZERO_DECIMAL = (
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
)  # fmt: skip
WITH_TWO_ALL_THE_SAME = ("ISK", "UGX")  # "where the decimal amount is always 00"
THREE_DECIMAL = ("BHD", "JOD", "KWD", "OMR", "TND")
NOT_SUPPORTED = ("CLF", "IQD", "LYD", "UYI", "UYW")


class FakeStripe(FarServer):
    """One account; ``forget_keys`` is what happens to keys after a day."""

    def __init__(self, now_s: int) -> None:
        super().__init__()
        self.now_s = now_s
        self.keys: dict[str, Stored] = {}
        self.created: list[tuple[str, dict[str, str]]] = []
        self.customers: dict[str, dict[str, Any]] = {"cus_1": {"id": "cus_1", "currency": "brl"}}
        self.objects: dict[str, list[dict[str, Any]]] = {
            "balance": [], "credit_notes": [], "refunds": [], "charges": [], "invoices": []
        }  # fmt: skip

    def forget_keys(self) -> None:
        self.keys.clear()

    def standing(self) -> list[tuple[str, Decimal]]:
        signs = {"balance": -1, "credit_notes": 1, "refunds": 1}
        return [
            (row["metadata"]["sla_reference"], sign * worth(row["amount"], row["currency"]))
            for kind, sign in signs.items()
            for row in self.objects[kind]
            if "sla_reference" in row["metadata"]
        ]

    async def writes(self, request: web.Request) -> bool:
        return request.method == "POST"

    async def broken(self, request: web.Request) -> web.Response:
        """A failure is stored under its key as well."""
        error = {"error": {"type": "api_error", "message": "Something went wrong"}}
        fields = {k: str(v) for k, v in (await request.post()).items()}
        self.keys[request.headers["Idempotency-Key"]] = (request.path, fields, 500, error)
        return web.json_response(error, status=500)

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401, "Invalid API Key provided: sk_test_****")
        if request.headers.get("Stripe-Version") != API_VERSION:
            return _error(400, "the request is not for a version")
        path = request.path.removeprefix("/v1/")
        if request.method == "GET":
            return self._get(path, dict(request.query))
        fields = {k: str(v) for k, v in (await request.post()).items()}
        self.created.append((request.path, fields))
        key = request.headers["Idempotency-Key"]
        if len(key) > 255:
            return _error(400, "the key is too long")
        if key in self.keys:
            return self._replayed(key, request.path, fields)
        status, content = self._create(path, fields)
        if status == 200:
            self.keys[key] = (request.path, fields, status, content)
        return web.json_response(content, status=status)

    def _replayed(self, key: str, path: str, fields: dict[str, str]) -> web.Response:
        before_path, before, status, content = self.keys[key]
        if (before_path, before) != (path, fields):
            said = "Keys for idempotent requests can only be used with the same parameters"
            return _error(400, said, "idempotency_error")
        headers = {"Idempotent-Replayed": "true"}
        return web.json_response(content, status=status, headers=headers)

    def _get(self, path: str, query: Mapping[str, str]) -> web.Response:
        customer = re.fullmatch(r"customers/(\w+)", path)
        if customer:
            found = self.customers.get(customer[1])
            return web.json_response(found) if found else _missing(customer[1])
        balance = re.fullmatch(r"customers/(\w+)/balance_transactions", path)
        if balance and balance[1] not in self.customers:
            return _missing(balance[1])
        wanted = {"customer": balance[1]} if balance else {}
        wanted |= {k: query[k] for k in ("customer", "charge", "status") if k in query}
        kind = "balance" if balance else path
        rows = [
            row
            for row in reversed(self.objects[kind])
            if all(str(row.get(k)) == v for k, v in wanted.items())
            and row["created"] >= int(query.get("created[gte]", 0))
        ]
        ids = [row["id"] for row in rows]
        start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        page = rows[start : start + min(int(query.get("limit", 10)), 2)]
        more = start + len(page) < len(rows)
        return web.json_response({"object": "list", "data": page, "has_more": more})

    def _create(self, path: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        balance = re.fullmatch(r"customers/(\w+)/balance_transactions", path)
        customer = balance[1] if balance else ""
        if balance and customer not in self.customers:
            return 404, _said(f"No such customer: '{customer}'", "invalid_request_error")
        kind, currency = ("balance", fields.get("currency")) if balance else (path, "")
        if kind in {"refunds", "credit_notes"}:
            parent = fields["charge" if kind == "refunds" else "invoice"]
            source = "charges" if kind == "refunds" else "invoices"
            of = next(row for row in self.objects[source] if row["id"] == parent)
            customer, currency = of["customer"], of["currency"]
        amount = int(fields["amount"])
        wrong = _wrong_amount(amount, str(currency))
        if not wrong and not balance and amount > _left(of):
            wrong = "the amount is greater than what is left"
        if wrong:
            return 400, _said(wrong, "invalid_request_error")
        if not balance:
            counted = "amount_refunded" if kind == "refunds" else "post_payment_credit_notes_amount"
            of[counted] = of.get(counted, 0) + amount
        row = {
            "id": f"{kind[:3]}_{len(self.objects[kind]) + 1}",
            "amount": int(fields["amount"]),
            "currency": currency,
            "customer": customer,
            "created": self.now_s,
            "charge": fields.get("charge"),
            "invoice": fields.get("invoice"),
            "description": fields.get("description"),
            "memo": fields.get("memo"),
            "status": {"refunds": "pending", "credit_notes": "issued"}.get(kind),
            "metadata": {
                match[1]: value
                for key, value in fields.items()
                if (match := re.fullmatch(r"metadata\[(\w+)\]", key))
            },
        }
        self.objects[kind].append(row)
        if kind == "credit_notes":  # the amount goes to the balance, without our metadata
            moved = {"amount": -row["amount"], "metadata": {}, "credit_note": row["id"]}
            self.objects["balance"].append({**row, **moved, "id": f"cbtxn_{row['id']}"})
        return 200, row


def worth(amount: int, currency: str) -> Decimal:
    """Say what an amount is in the currency's own units."""
    code = currency.upper()
    if code in THREE_DECIMAL:
        return Decimal(amount) / 1000
    whole = code in ZERO_DECIMAL and code not in WITH_TWO_ALL_THE_SAME
    return Decimal(amount) if whole else Decimal(amount) / 100


def _wrong_amount(amount: int, currency: str) -> str | None:
    code = currency.upper()
    if code in NOT_SUPPORTED:
        return f"Invalid currency: {currency}"
    if code in WITH_TWO_ALL_THE_SAME and amount % 100:
        return f"Invalid amount. {code} amounts must be evenly divisible by 100"
    if code in THREE_DECIMAL and amount % 10:
        return f"Invalid amount. The last digit must be 0 in {code}"
    return None


def _left(of: Mapping[str, Any]) -> int:
    """Say how much of an invoice or charge can still be given back."""
    given = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
    whole = of["amount"] if "amount" in of else of["total"]
    return int(whole - sum(of.get(name, 0) for name in ("amount_refunded", *given)))


def _said(message: str, kind: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message}}


def _error(status: int, message: str, kind: str = "invalid_request_error") -> web.Response:
    return web.json_response(_said(message, kind), status=status)


def _missing(customer: str) -> web.Response:
    return _error(404, f"No such customer: '{customer}'")
