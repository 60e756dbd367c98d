"""Mail by SMTP: 4xx and connection trouble are tried again, 5xx is final."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiosmtplib

from sla_exporter.errors import DeliveryDelayed, DeliveryRefused
from sla_exporter.sinks.message import compose

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage

    from aiosmtplib import SMTPResponse

    from sla_exporter.ports import Clock
    from sla_exporter.ports.settling import Notice

_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSink:
    """Sends notices through an SMTP server; ``security`` is ``starttls``, ``tls`` or ``none``."""

    clock: Clock
    host: str
    port: int
    security: str
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    reply_to: str | None = None
    tls_context: ssl.SSLContext | None = None
    name: str = "email"

    async def send(self, notice: Notice, key: str) -> str:
        """Send the notice and give its Message-ID, and who of several did not get it."""
        if not notice.recipients:
            raise DeliveryRefused("the customer has no e-mail address in the configuration")
        message = compose(
            notice,
            key=key,
            sender=self.sender,
            reply_to=self.reply_to,
            at_ms=self.clock.now_ms(),
        )
        try:
            refused, _ = await self._hand_over(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refusals = [(answer.code, answer.message) for answer in error.recipients]
            raise _verdict(*max(refusals, key=lambda refusal: refusal[0] < 500)) from error
        except (aiosmtplib.SMTPAuthenticationError, aiosmtplib.SMTPSenderRefused) as error:
            # A wrong password or sender is mended by the operator, not by giving the notice up.
            raise DeliveryDelayed(f"the mail server refuses us: {error.message}") from error
        except aiosmtplib.SMTPConnectResponseError as error:
            raise DeliveryDelayed(f"the mail server turns us away: {error.message}") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _verdict(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise DeliveryDelayed(f"{self.host}:{self.port}: {error}") from error
        sent = str(message["Message-ID"])
        return f"{sent}, not to {', '.join(refused)}" if refused else sent

    async def close(self) -> None:
        """Do nothing: every message has a connection of its own."""

    async def _hand_over(self, message: EmailMessage) -> tuple[dict[str, SMTPResponse], str]:
        return await aiosmtplib.send(
            message,
            hostname=self.host,
            port=self.port,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            username=self.username,
            password=self.password,
            tls_context=self.tls_context,
            timeout=_TIMEOUT_S,
        )


def _verdict(code: int, said: str) -> DeliveryDelayed | DeliveryRefused:
    """Tell a hard failure from one that passes: RFC 5321, 4.2.1."""
    sentence = f"the mail server answered {code} {said}"
    return DeliveryRefused(sentence) if code >= 500 else DeliveryDelayed(sentence)
