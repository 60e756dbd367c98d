"""FOSSBilling's admin API: most errors with HTTP 200, pages, no uniqueness."""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from typing import Any

from aiohttp import web

from tests.fakes.far import FarServer

KEY = "admin-api-key"
_REF = re.compile(r"\[ref:([^\]]+)\]")


class FakeFossbilling(FarServer):
    """One installation with client 7, who is billed in reais."""

    def __init__(self) -> None:
        super().__init__()
        self.balance: list[dict[str, Any]] = []

    def standing(self) -> list[tuple[str, Decimal]]:
        found = ((_REF.search(row["description"]), row["amount"]) for row in self.balance)
        return [(match[1], Decimal(amount)) for match, amount in found if match]

    async def writes(self, request: web.Request) -> bool:
        return request.path.endswith("balance_add_funds")

    async def answer(self, request: web.Request) -> web.Response:
        expected = f"Basic {base64.b64encode(f'admin:{KEY}'.encode()).decode()}"
        if request.headers.get("Authorization") != expected:
            return _error("Authentication Failed", 206, 401)
        form = {key: str(value) for key, value in (await request.post()).items()}
        method = request.path.rpartition("/")[2]
        if form.get("id", form.get("client_id")) != "7":
            return _error("Client not found", 0) if method != "balance_get_list" else _page([], 1)
        if method == "get":
            return web.json_response({"result": {"id": 7, "currency": "BRL"}, "error": None})
        if method == "balance_get_list":
            return _page(self.balance, int(form["page"]))
        row = {"id": len(self.balance) + 1, "currency": "BRL", "created_at": "2026-11-03"}
        self.balance.append(row | {k: form[k] for k in ("description", "amount")})
        return web.json_response({"result": True, "error": None})


def _page(rows: list[dict[str, Any]], number: int, size: int = 2) -> web.Response:
    pages = max(1, -(-len(rows) // size))
    listed = rows[(number - 1) * size : number * size]
    content = {"pages": pages, "page": number, "per_page": size, "total": len(rows)}
    return web.json_response({"result": content | {"list": listed}, "error": None})


def _error(message: str, code: int, status: int = 200) -> web.Response:
    content = {"result": None, "error": {"message": message, "code": code}}
    return web.json_response(content, status=status)
