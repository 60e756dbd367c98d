"""WHMCS' action API: errors with HTTP 200, loose types, no idempotency."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.far import FarServer

if TYPE_CHECKING:
    from collections.abc import Mapping

IDENTIFIER, SECRET = "api-identifier", "api-secret"
_REF = re.compile(r"\[ref:([^\]]+)\]")


_MAIL_TYPES = {"general", "product", "domain", "invoice", "support", "affiliate"}
_MAIL_FIELDS = {
    "customsubject": "A subject is required for a custom message",
    "custommessage": "A message body is required for a custom message",
    "id": "A related ID is required",
}


class FakeWhmcs(FarServer):
    """Any number of worlds, each with the same clients, told apart by the path before the API's."""

    def __init__(self, shape: str = "nested") -> None:
        super().__init__()
        self.shape = shape
        self.credits: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.invoices: list[dict[str, Any]] = []
        self.clients = {"42": {"id": 42, "currency": 1, "currency_code": "BRL"}}
        self.products: list[dict[str, Any]] = []
        self.emails: list[dict[str, Any]] = []
        self.actions: list[str] = []
        self.mail_fails = ""
        self.allowed: set[str] | None = None

    def standing(self, world: str = "") -> list[tuple[str, Decimal]]:
        lines = [line for invoice in self.invoices for line in invoice["lines"]]
        found = [
            *((row["description"], Decimal(row["amount"])) for row in self.credits[world]),
            *((line["description"], -Decimal(line["amount"])) for line in lines),
        ]
        return [(m[1], amount) for text, amount in found if (m := _REF.search(text))]

    async def writes(self, request: web.Request) -> bool:
        return (await request.post())["action"] in {"AddCredit", "UpdateInvoice", "SendEmail"}

    async def answer(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        world, _, rest = request.path.strip("/").rpartition("includes/api.php")
        if rest or request.method != "POST":
            return web.Response(status=404, text="not here")
        if (form.get("identifier"), form.get("secret")) != (IDENTIFIER, SECRET):
            return _error("Authentication Failed", 403)
        action = form["action"]
        self.actions.append(action)
        if self.allowed is not None and action not in self.allowed:
            return _error(f'Invalid Permissions: API action "{action.lower()}" is not allowed', 403)
        return getattr(self, f"_{action}")(world.strip("/"), form)

    def _AddCredit(self, world: str, form: Mapping[str, str]) -> web.Response:  # noqa: N802
        if form["clientid"] not in self.clients:
            return _error("Client ID Not Found")
        if not re.fullmatch(r"\d+(\.\d\d)?", form["amount"]):
            return _error("Amount must be in decimal format: ### or ###.##")
        if form.get("type", "add") not in {"add", "remove"}:
            return _error("Type can only be add or remove")
        rows = self.credits[world]
        row = {"id": str(100 + len(rows)), "relid": "0", "clientid": form["clientid"]}
        rows.append(row | {key: form[key] for key in ("date", "description", "amount")})
        return web.json_response({"result": "success", "newbalance": "123.45"})

    def _GetCredits(self, world: str, form: Mapping[str, str]) -> web.Response:  # noqa: N802
        if form["clientid"] not in self.clients:
            return _error("Client ID Not Found")
        found = [row for row in self.credits[world] if row["clientid"] == form["clientid"]]
        content: dict[str, Any] = {
            "result": "success",
            "totalresults": len(found),
            "clientid": int(form["clientid"]),
        }
        match self.shape:
            case _ if not found:
                content["credits"] = {"nested": {}, "single": "", "flattened": []}[self.shape]
            case "nested":
                content["credits"] = {"credit": found}
            case "single":
                content["credits"] = {"credit": found[0] if len(found) == 1 else found}
            case "flattened":
                for index, row in enumerate(found):
                    content |= {f"credits[credit][{index}][{k}]": v for k, v in row.items()}
        return web.json_response(content)

    def _GetClientsDetails(self, world: str, form: Mapping[str, str]) -> web.Response:  # noqa: N802
        client = self.clients.get(form["clientid"])
        if client is None:
            return _error("Client Not Found")
        return web.json_response({"result": "success", "client": client})

    def _GetInvoices(self, world: str, form: Mapping[str, str]) -> web.Response:  # noqa: N802
        mine = [row for row in self.invoices if str(row["userid"]) == form["userid"]]
        start, number = int(form["limitstart"]), min(int(form["limitnum"]), 2)
        ours = {"lines", "paid"}
        page = [{k: v for k, v in row.items() if k not in ours} for row in mine[start:][:number]]
        content = {"result": "success", "totalresults": str(len(mine)), "startnumber": start}
        return web.json_response(content | {"invoices": {"invoice": page} if page else ""})

    def _GetInvoice(self, world: str, form: Mapping[str, str]) -> web.Response:  # noqa: N802
        invoice = self._invoice(form["invoiceid"])
        if invoice is None:
            return _error("Invoice ID Not Found")
        items = {"items": {"item": invoice["lines"]}, "transactions": ""}
        balance = Decimal(invoice["total"]) - Decimal(invoice["paid"])
        content = {"result": "success", **invoice, **items, "balance": f"{balance:.2f}"}
        return web.json_response(content)

    def _UpdateInvoice(self, world: str, form: Mapping[str, str]) -> web.Response:  # noqa: N802
        invoice = self._invoice(form["invoiceid"])
        if invoice is None:
            return _error("Invoice ID Not Found")
        line = {
            "id": str(len(invoice["lines"]) + 1),
            "description": form["newitemdescription[]"],
            "amount": form["newitemamount[]"],
            "taxed": form["newitemtaxed[]"],
        }
        invoice["lines"].append(line)
        total = Decimal(invoice["total"]) + Decimal(line["amount"])
        invoice["total"] = f"{total:.2f}"
        return web.json_response({"result": "success", "invoiceid": form["invoiceid"]})

    def _GetClientsProducts(self, world: str, form: Mapping[str, str]) -> web.Response:  # noqa: N802
        start = int(form.get("limitstart", 0))
        number = min(int(form.get("limitnum", 25)), 2)
        page = self.products[start : start + number]
        return web.json_response(
            {
                "result": "success",
                "totalresults": str(len(self.products)),
                "startnumber": start,
                "numreturned": len(page),
                "products": {"product": page} if page else "",
            }
        )

    def _SendEmail(self, world: str, form: Mapping[str, str]) -> web.Response:  # noqa: N802
        if "messagename" not in form and "customtype" not in form:
            return _error(
                "You must provide either an existing email template name or a custom message type"
            )
        if form["customtype"] not in _MAIL_TYPES:
            return _error("Invalid message type provided")
        for field, missing in _MAIL_FIELDS.items():
            if not form.get(field):
                return _error(missing)
        if self.mail_fails or form["id"] not in self.clients:
            return _error(self.mail_fails or "Sending Failed. Please see documentation.")
        if any(brace in form["custommessage"] for brace in "{}"):
            return _error("Sending Failed. Please see documentation.")  # Smarty's error
        self.emails.append(
            {
                "id": str(len(self.emails) + 1),
                "userid": form["id"],
                "subject": form["customsubject"],
                "message": form["custommessage"],
            }
        )
        return web.json_response({"result": "success"})

    def _GetEmails(self, world: str, form: Mapping[str, str]) -> web.Response:  # noqa: N802
        found = [
            row
            for row in self.emails
            if row["userid"] == form["clientid"] and form.get("subject", "") in row["subject"]
        ]
        content = {"result": "success", "totalresults": len(found), "numreturned": len(found)}
        return web.json_response(content | {"emails": {"email": found} if found else ""})

    def _invoice(self, number: str) -> dict[str, Any] | None:
        return next((row for row in self.invoices if str(row["id"]) == number), None)


def invoice(number: int, total: str, **changes: Any) -> dict[str, Any]:
    row = {"id": number, "userid": 42, "status": "Unpaid", "currencycode": "BRL", "lines": []}
    return row | {"total": total, "paid": "0.00", "datepaid": "0000-00-00 00:00:00"} | changes


def _error(message: str, status: int = 200) -> web.Response:
    return web.json_response({"result": "error", "message": message}, status=status)
