"""Notices through WHMCS: it sends them, in its own name and frame, and keeps them with the client.

``SendEmail`` sends the same message as often as it is told to, and what it answers is no id. So a
mark stands in the subject, and ``GetEmails`` is asked for it before every try: it filters by
subject, and what else it says of a message is not documented. The message is the notice's text as
simple HTML, because WHMCS puts its own frame around it and takes no pictures. It runs through
Smarty, so braces are written as what they are.

https://developers.whmcs.com/api-reference/sendemail/
"""

from __future__ import annotations

import asyncio
import hashlib
import html
from typing import TYPE_CHECKING

from sla_exporter.errors import DeliveryDelayed, DeliveryRefused, OutcomeUnknown
from sla_exporter.sinks import loose
from sla_exporter.sinks.http import TIMEOUT_S
from sla_exporter.sinks.whmcs import WhmcsApi

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sla_exporter.outgoing import Network
    from sla_exporter.ports.settling import Notice
    from sla_exporter.sinks.whmcs import WhmcsSection

SETTLES_MS = 10 * 60_000
AT_ONCE = 8
_FAILED = "sending failed"
_BRACES = str.maketrans({"{": "&#123;", "}": "&#125;"})
_ROUND = str.maketrans("{}", "()")  # a subject is no HTML, and has no other way to write them


class WhmcsNotices:
    """Has WHMCS send notices; ``account_of`` gives the client's number of a customer."""

    def __init__(
        self,
        name: str,
        section: WhmcsSection,
        account_of: Callable[[str], str | None],
        allow_private: Sequence[Network] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.name = name
        self._account_of = account_of
        self._lane = asyncio.Semaphore(AT_ONCE)  # each waits for a mail server over there
        self._api = WhmcsApi(name, section, allow_private, timeout_s)

    async def send(self, notice: Notice, key: str) -> str:
        """Send the notice, unless WHMCS has sent it already, and say what it is called there."""
        account = self._account_of(notice.customer)
        if account is None:
            raise DeliveryRefused(
                f"customer {notice.customer!r} has no {self.name!r} under billing"
            )
        mark = mark_of(key)
        async with self._lane:
            if not await self._is_there(account, mark):
                await self._send(account, notice, mark)
        return f"email {mark} to client {account}"

    async def close(self) -> None:
        """Give connections back."""
        await self._api.close()

    async def _is_there(self, account: str, mark: str) -> bool:
        """Look for the message among those that the client was sent."""
        content = await self._api.call("GetEmails", clientid=account, subject=mark)
        rows = loose.rows(content.get("emails"), "email")
        return any(mark in str(row.get("subject", mark)) for row in rows)

    async def _send(self, account: str, notice: Notice, mark: str) -> None:
        subject = " ".join(notice.subject.translate(_ROUND).split())
        try:
            await self._api.call(
                "SendEmail",
                writes=True,
                customtype="general",
                id=account,
                customsubject=f"{subject} [{mark}]",
                custommessage=_as_html(notice.text),
            )
        except OutcomeUnknown as error:
            sentence = f"{self.name} may have sent it; that is looked at before it is sent again"
            raise DeliveryDelayed(f"{sentence} ({error})", SETTLES_MS) from error
        except DeliveryRefused as error:
            # Of its five causes, four are mended by the operator, and the mail server's by time.
            if _FAILED in str(error).lower():
                raise DeliveryDelayed(str(error)) from error
            raise


def mark_of(key: str) -> str:
    """Give what stands in the subject of the order's message: the same on every try."""
    return f"sla-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _as_html(text: str) -> str:
    """Write text as paragraphs of HTML that mean nothing to Smarty."""
    escaped = html.escape(text.replace("\r\n", "\n")).translate(_BRACES)
    paragraphs = (part.strip("\n") for part in escaped.split("\n\n"))
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in paragraphs if part.strip())
