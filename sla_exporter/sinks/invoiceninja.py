"""Invoice Ninja 5: credits, whose number is unique in a company.

The reference is the number, so the server itself refuses a second credit. What the customer reads
are the public notes. A credit is marked as sent, which mails nothing: of a draft the customer has
nothing.

https://api-docs.invoicing.co/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from sla_exporter.core.periods import datetime_of
from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import DeliveryDelayed, DeliveryError, DeliveryRefused
from sla_exporter.ports.delivery import Address, Entered, SinkSection
from sla_exporter.sinks import loose
from sla_exporter.sinks.http import TIMEOUT_S, Answer, Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sla_exporter.outgoing import Network
    from sla_exporter.ports import Clock
    from sla_exporter.ports.delivery import Credit

_OURS = "sla-"
_DRAFT = "1"


class InvoiceNinjaSection(SinkSection):
    """Where Invoice Ninja is, an API token, and the currency that the clients there are billed in.

    A credit has no currency of its own in Invoice Ninja: it has the client's.
    """

    url: Address
    token: SecretStr
    currency: str


class InvoiceNinjaSink:
    """Enters credits in an Invoice Ninja company."""

    section = InvoiceNinjaSection
    forms = frozenset({Form.ACCOUNT_CREDIT})
    at_once = 4
    settles_ms = 0

    def __init__(
        self,
        name: str,
        section: InvoiceNinjaSection,
        _clock: Clock,
        allow_private: Sequence[Network] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.name = name
        self._currency = section.currency.upper()
        self._url = f"{section.url.rstrip('/')}/api/v1/credits"
        self._caller = Caller(
            who=name,
            allow_private=allow_private,
            timeout_s=timeout_s,
            headers={
                "X-API-TOKEN": section.token.get_secret_value(),
                "X-Requested-With": "XMLHttpRequest",
                "Accept": "application/json",
            },
        )

    async def find(self, credit: Credit) -> str | None:
        """Look for the credit with this number."""
        async for row in self._rows(number=credit.reference):
            if row.get("number") == credit.reference:
                _check(row, credit)
                return str(row["id"])
        return None

    async def issue(self, credit: Credit) -> str:
        """Create the credit and give its id."""
        if credit.amount.currency != self._currency:
            raise DeliveryRefused(f"{self.name} bills in {self._currency}, not {credit.amount}")
        line = {
            "quantity": 1,
            "cost": loose.two_decimals(credit.amount),
            "product_key": "SLA",
            "notes": credit.note,
        }
        content = {
            "client_id": credit.account,
            "number": credit.reference,
            "date": datetime_of(credit.entry.posted_at_ms).date().isoformat(),
            "public_notes": credit.note,
            "line_items": [line],
        }
        answer = await self._caller.write(self._url, params={"mark_sent": "true"}, json=content)
        created = self._data(answer, writes=True)
        if not isinstance(created, dict) or "id" not in created:
            raise self._caller.trouble("gave no id of what it created", writes=True)
        return str(created["id"])

    async def entered(self, account: str, since_ms: int) -> list[Entered]:  # noqa: ARG002
        """Give our credits of a client of which they have something."""
        return [
            Entered(
                reference=row["number"], name=str(row["id"]), amount=loose.amount(row["amount"])
            )
            async for row in self._rows(client_id=account)
            if str(row.get("number", "")).startswith(_OURS) and not _flaw(row)
        ]

    async def close(self) -> None:
        """Give connections back."""
        await self._caller.close()

    async def _rows(self, **filters: str) -> AsyncIterator[dict[str, Any]]:
        page, pages = 1, 1
        while page <= pages:
            params = {**filters, "status": "active,archived", "per_page": "100", "page": str(page)}
            answer = await self._caller.read("GET", self._url, params=params)
            for row in loose.rows(self._data(answer, writes=False), "data"):
                yield row
            meta = (answer.content.get("meta") or {}).get("pagination") or {}
            pages = int(meta.get("total_pages") or 1)
            page += 1

    def _data(self, answer: Answer, *, writes: bool) -> Any:
        content = answer.content if isinstance(answer.content, dict) else {}
        if answer.status < 300 and "data" in content:
            return content["data"]
        if answer.status >= 400:
            raise self._refusal(answer.status, content)
        raise self._caller.trouble("gave an answer that makes no sense", writes=writes)

    def _refusal(self, status: int, content: dict[str, Any]) -> DeliveryError:
        said = f"{self.name} answered {status}: {content.get('message', 'nothing more')}"
        details = content.get("errors") or {}
        if isinstance(details, dict) and details:
            said += f" ({'; '.join(str(one) for one in details.values())})"
        return DeliveryDelayed(said) if status in {401, 403, 404} else DeliveryRefused(said)


def _check(row: dict[str, Any], credit: Credit) -> None:
    """Stop for a person if the client does not have what the ledger says."""
    flaw = _flaw(row)
    if flaw:
        raise DeliveryRefused(
            f"{credit.reference} stands in Invoice Ninja {flaw}, so {credit.amount} was not given"
        )
    if loose.amount(row.get("amount")) != credit.amount.amount:
        raise DeliveryRefused(
            f"{credit.reference} stands in Invoice Ninja with {row.get('amount')}, "
            f"and the ledger says {credit.amount.amount}"
        )


def _flaw(row: dict[str, Any]) -> str | None:
    """Say why the client has nothing of a credit, though it is there."""
    if row.get("is_deleted"):
        return "as deleted"
    return "as a draft" if str(row.get("status_id")) == _DRAFT else None
