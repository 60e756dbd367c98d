"""A signed request for any other billing system, as Standard Webhooks has it.

The reference is the ``webhook-id``, the same on every try: the receiver takes each id once, and
answers 2xx to those that it has. Id, time and body are signed, so that a request can neither be
changed nor played again later.

https://www.standardwebhooks.com/
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import SecretStr, field_validator

from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import DeliveryDelayed, DeliveryRefused
from sla_exporter.ports.delivery import Address, Entered, SinkSection
from sla_exporter.sinks.document import credit_content
from sla_exporter.sinks.http import TIMEOUT_S, Answer, Caller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.outgoing import Network
    from sla_exporter.ports import Clock
    from sla_exporter.ports.delivery import Credit


class WebhookSection(SinkSection):
    """Where requests go, and the secret that they are signed with: ``whsec_`` and base64.

    ``lookup`` is an address that answers ``GET <lookup>/<reference>`` with 404 for what is not
    there; it is asked before a credit is sent.
    """

    url: Address
    secret: SecretStr
    lookup: Address | None = None

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, secret: SecretStr) -> SecretStr:
        try:
            key = _key(secret)
        except binascii.Error:
            key = b""
        if not 24 <= len(key) <= 64:
            raise ValueError("must be whsec_ and the base64 of 24 to 64 random bytes")
        return secret


class WebhookSink:
    """Sends each credit as a signed event."""

    section = WebhookSection
    forms = frozenset(Form)
    at_once = 8
    settles_ms = 0

    def __init__(
        self,
        name: str,
        section: WebhookSection,
        clock: Clock,
        allow_private: Sequence[Network] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.name = name
        self._section = section
        self._clock = clock
        self._caller = Caller(who=name, allow_private=allow_private, timeout_s=timeout_s)

    async def find(self, credit: Credit) -> str | None:
        """Ask the receiver, where it can be asked."""
        if self._section.lookup is None:
            return None
        url = f"{self._section.lookup.rstrip('/')}/{quote(credit.reference)}"
        answer = await self._caller.read("GET", url, headers=self._signed(credit.reference, b""))
        return None if answer.status == 404 else self._name(answer, credit, writes=False)

    async def issue(self, credit: Credit) -> str:
        """Send the event and give the ``id`` of the answer, or else the reference."""
        body = json.dumps(
            {
                "type": "sla.credit.issued",
                "timestamp": credit_content(credit)["posted_at"],
                "data": credit_content(credit),
            },
            ensure_ascii=False,
        ).encode()
        headers = self._signed(credit.reference, body) | {"Content-Type": "application/json"}
        answer = await self._caller.write(
            self._section.url, data=body, headers=headers, needs_json=False
        )
        return self._name(answer, credit, writes=True)

    async def entered(self, account: str, since_ms: int) -> list[Entered] | None:  # noqa: ARG002
        """Nothing can be read back."""
        return None

    async def close(self) -> None:
        """Give connections back."""
        await self._caller.close()

    def _signed(self, message: str, body: bytes) -> dict[str, str]:
        at_s = str(self._clock.now_ms() // 1000)
        return {
            "webhook-id": message,
            "webhook-timestamp": at_s,
            "webhook-signature": signature(self._section.secret, message, at_s, body),
        }

    def _name(self, answer: Answer, credit: Credit, *, writes: bool) -> str:
        if answer.status in {401, 403, 404} or (answer.status == 410 and writes):
            raise DeliveryDelayed(f"{self.name} does not let us in: HTTP {answer.status}")
        if answer.status >= 400:
            raise DeliveryRefused(f"{self.name} refuses the credit: HTTP {answer.status}")
        content = answer.content if isinstance(answer.content, dict) else {}
        return str(content.get("id") or credit.reference)


def signature(secret: SecretStr, message: str, at_s: str, body: bytes) -> str:
    """Sign id, time and body."""
    content = b".".join((message.encode(), at_s.encode(), body))
    digest = hmac.digest(_key(secret), content, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: SecretStr) -> bytes:
    return base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
