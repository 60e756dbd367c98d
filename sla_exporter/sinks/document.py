"""A credit as a JSON document, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core.periods import utc_text

if TYPE_CHECKING:
    from sla_exporter.ports.delivery import Credit


def credit_content(credit: Credit) -> dict[str, object]:
    """Say everything about a credit; amounts are text, as JSON numbers are floats."""
    entry = credit.entry
    content: dict[str, object] = {
        "reference": entry.reference,
        "kind": entry.kind,
        "customer": entry.customer,
        "account": credit.account,
        "contract": entry.contract,
        "policy": entry.policy,
        "form": entry.form,
        "amount": str(entry.amount.amount),
        "currency": entry.amount.currency,
        "settlement": entry.settlement,
        "posted_at": utc_text(entry.posted_at_ms),
    }
    if entry.extension_days:
        content["extension_days"] = str(entry.extension_days)
    if entry.may_terminate:
        content["may_terminate"] = True
    return content
