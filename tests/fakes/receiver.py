"""A receiver of signed webhooks: checks the signature its own way and takes every id once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from decimal import Decimal

from aiohttp import web

from tests.fakes.far import FarServer

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
TOLERANCE_S = 300


class FakeReceiver(FarServer):
    """Any billing system behind a webhook."""

    def __init__(self, now_s: int) -> None:
        super().__init__()
        self.now_s = now_s
        self.taken: dict[str, dict[str, str]] = {}
        self.events: list[bytes] = []

    def standing(self) -> list[tuple[str, Decimal]]:
        return [(ref, Decimal(data["amount"])) for ref, data in self.taken.items()]

    async def writes(self, request: web.Request) -> bool:
        return request.method == "POST"

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        message = request.headers.get("webhook-id", "")
        at = request.headers.get("webhook-timestamp", "0")
        content = f"{message}.{at}.".encode() + body
        mac = hmac.new(KEY, content, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(mac).decode()}"
        given = request.headers.get("webhook-signature", "").split()
        if expected not in given or abs(int(at) - self.now_s) > TOLERANCE_S:
            return web.Response(status=401, text="the signature is wrong")
        if request.method == "GET":
            known = request.path.rpartition("/")[2] in self.taken
            return web.json_response({"id": f"r-{message}"}, status=200 if known else 404)
        self.events.append(body)
        self.taken.setdefault(message, json.loads(body)["data"])
        return web.json_response({"id": f"r-{message}"})
