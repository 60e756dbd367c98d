"""Invoice Ninja 5: numbers are unique, pages, validation errors with HTTP 422.

A credit is a draft, of which the client has nothing, until it is marked as sent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aiohttp import web

from tests.fakes.far import FarServer

TOKEN = "api-token"
DRAFT, SENT = "1", "2"


class FakeInvoiceNinja(FarServer):
    """One company with one client."""

    client = "VolejRejNm"

    def __init__(self) -> None:
        super().__init__()
        self.credits: list[dict[str, Any]] = []

    def standing(self) -> list[tuple[str, Decimal]]:
        ours = [row for row in self.credits if row["number"].startswith("sla-")]
        return [(row["number"], Decimal(row["balance"])) for row in ours]

    async def writes(self, request: web.Request) -> bool:
        return request.method == "POST"

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("X-API-TOKEN") != TOKEN:
            return web.json_response({"message": "Invalid token", "errors": {}}, status=403)
        if request.method == "GET":
            return self._listed(dict(request.query))
        content = await request.json()
        if any(row["number"] == content["number"] for row in self.credits):
            return _invalid("number", "The number has already been taken.")
        if content["client_id"] != self.client:
            return _invalid("client_id", "The selected client id is invalid.")
        amount = sum(Decimal(line["cost"]) * line["quantity"] for line in content["line_items"])
        sent = request.query.get("mark_sent") == "true"
        row = content | {
            "id": f"Opnel5aKB{len(self.credits)}",
            "amount": str(amount),
            "balance": str(amount) if sent else "0",
            "status_id": SENT if sent else DRAFT,
        }
        self.credits.append(row)
        return web.json_response({"data": row})

    def _listed(self, query: dict[str, str]) -> web.Response:
        rows = [
            row
            for row in self.credits
            if all(row[k] == query[k] for k in ("number", "client_id") if k in query)
        ]
        page, size = int(query["page"]), 2
        pages = -(-len(rows) // size)
        meta = {"pagination": {"total_pages": pages, "current_page": page}}
        listed = rows[(page - 1) * size : page * size]
        return web.json_response({"data": listed, "meta": meta})


def _invalid(field: str, said: str) -> web.Response:
    content = {"message": "The given data was invalid.", "errors": {field: [said]}}
    return web.json_response(content, status=422)
