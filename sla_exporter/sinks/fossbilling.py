"""FOSSBilling: funds added to a client's balance, by its admin API.

The same funds are added any number of times, so the reference stands in the description, and the
balance's list says whether it is there. Most errors come with HTTP 200.

https://fossbilling.org/docs/api
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from sla_exporter.core.policy.terms import Form
from sla_exporter.errors import DeliveryDelayed, DeliveryRefused
from sla_exporter.ports.delivery import Address, Entered, SinkSection
from sla_exporter.sinks import loose
from sla_exporter.sinks.http import TIMEOUT_S, Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sla_exporter.outgoing import Network
    from sla_exporter.ports import Clock
    from sla_exporter.ports.delivery import Credit

_ACCESS = range(201, 207)  # the codes of FOSSBilling that say that we are not let in
_PAGE = 100


class FossbillingSection(SinkSection):
    """Where FOSSBilling is, and an administrator's API key."""

    url: Address
    key: SecretStr


class FossbillingSink:
    """Adds funds in a FOSSBilling installation, one request at a time."""

    section = FossbillingSection
    forms = frozenset({Form.ACCOUNT_CREDIT})
    at_once = 1
    settles_ms = 10 * 60_000

    def __init__(
        self,
        name: str,
        section: FossbillingSection,
        _clock: Clock,
        allow_private: Sequence[Network] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.name = name
        self._url = f"{section.url.rstrip('/')}/api/admin/client"
        access = base64.b64encode(f"admin:{section.key.get_secret_value()}".encode()).decode()
        headers = {"Authorization": f"Basic {access}"}
        self._caller = Caller(
            who=name, headers=headers, allow_private=allow_private, timeout_s=timeout_s
        )

    async def find(self, credit: Credit) -> str | None:
        """Look for the reference in the client's balance."""
        async for row in self._balance(credit.account):
            if loose.reference_in(row.get("description")) == credit.reference:
                if loose.amount(row["amount"]) != credit.amount.amount:
                    raise DeliveryRefused(
                        f"{credit.reference} stands in FOSSBilling with {row['amount']}, "
                        f"and the ledger says {credit.amount.amount}"
                    )
                return str(row["id"])
        return None

    async def issue(self, credit: Credit) -> str:
        """Add the funds, and give the id of the row."""
        amount = loose.two_decimals(credit.amount)
        client = await self._call("get", id=credit.account)
        currency = client.get("currency") if isinstance(client, dict) else None
        if currency and currency != credit.amount.currency:
            raise DeliveryRefused(
                f"client {credit.account} is billed in {currency}, "
                f"and the credit is in {credit.amount.currency}"
            )
        await self._call(
            "balance_add_funds",
            writes=True,
            id=credit.account,
            amount=amount,
            description=credit.note,
        )
        return f"client {credit.account}"

    async def entered(self, account: str, since_ms: int) -> list[Entered]:  # noqa: ARG002
        """Give our rows of a client's balance."""
        return [
            Entered(reference=ref, name=str(row["id"]), amount=loose.amount(row["amount"]))
            async for row in self._balance(account)
            if (ref := loose.reference_in(row.get("description")))
        ]

    async def close(self) -> None:
        """Give connections back."""
        await self._caller.close()

    async def _balance(self, account: str) -> AsyncIterator[dict[str, Any]]:
        page, pages = 1, 1
        while page <= pages:
            found = await self._call(
                "balance_get_list", client_id=account, page=str(page), per_page=str(_PAGE)
            )
            for row in loose.rows(found, "list"):
                yield row
            pages = int(found.get("pages") or 1) if isinstance(found, dict) else 1
            page += 1

    async def _call(self, method: str, *, writes: bool = False, **fields: str) -> Any:
        url = f"{self._url}/{method}"
        if writes:
            answer = await self._caller.write(url, data=fields)
        else:
            answer = await self._caller.read("POST", url, data=fields)
        content = answer.content if isinstance(answer.content, dict) else {}
        error = content.get("error")
        if error:
            sentence = f"{self.name} refuses {method}: {error.get('message', error)}"
            raise DeliveryDelayed(sentence) if _is_access(error) else DeliveryRefused(sentence)
        if answer.status in {401, 403, 404}:
            raise DeliveryDelayed(f"{self.name} does not let us in: HTTP {answer.status}")
        if answer.status != 200 or content.get("result") is None:
            said = f"gave {method} an answer that makes no sense"
            raise self._caller.trouble(said, writes=writes)
        return content["result"]


def _is_access(error: Any) -> bool:
    code = error.get("code") if isinstance(error, dict) else None
    return str(code) == "403" or str(code) in {str(known) for known in _ACCESS}
