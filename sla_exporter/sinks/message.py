"""A notice as an e-mail message; the same for every sink that sends or stores mail."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, cast

from sla_exporter.core.periods import datetime_of

if TYPE_CHECKING:
    from sla_exporter.ports.settling import Notice


def compose(
    notice: Notice, *, key: str, sender: str, reply_to: str | None, at_ms: int
) -> EmailMessage:
    """Build text, HTML, inline pictures and documents into one message.

    Its Message-ID comes from the key of the order, so a second copy can be told from a second
    message.
    """
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = message_id(key, sender)
    message["Date"] = format_datetime(datetime_of(at_ms))
    message["From"] = sender
    if notice.recipients:
        message["To"] = ", ".join(notice.recipients)
    if reply_to:
        message["Reply-To"] = reply_to
    message["Subject"] = notice.subject
    message["Content-Language"] = notice.locale.replace("_", "-")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies, please
    message.set_content(notice.text)
    message.add_alternative(notice.html, subtype="html")
    html = cast("EmailMessage", message.get_body(("html",)))
    for name, png in notice.pictures.items():
        html.add_related(
            png, "image", "png", cid=f"<{name}>", filename=f"{name}.png", disposition="inline"
        )
    for name, pdf in notice.documents.items():
        message.add_attachment(pdf, "application", "pdf", filename=name)
    return message


def message_id(key: str, sender: str) -> str:
    """Give the Message-ID of an order: the same on every try."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"
