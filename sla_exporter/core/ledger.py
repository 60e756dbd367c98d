"""The ledger: entries that are only ever added, each with its own key and chained by hash.

A correction is a new entry, never an edit. An entry that was changed or removed behind our back
breaks the chain from there on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from sla_exporter.core.periods import utc_text

if TYPE_CHECKING:
    from sla_exporter.core.money import Money
    from sla_exporter.core.policy.terms import Form
    from sla_exporter.core.settlement import Settlement

GENESIS = "0" * 64


class EntryKind(StrEnum):
    """What an entry does to the customer's balance."""

    GRANT = "grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger; amounts are positive in the customer's favour."""

    key: str
    kind: EntryKind
    settlement: str
    customer: str
    contract: str
    policy: str
    form: Form
    amount: Money
    posted_at_ms: int
    extension_days: Fraction = Fraction(0)
    may_terminate: bool = False

    @property
    def reference(self) -> str:
        """How the credit is found in other systems: short, and the same on every try."""
        return reference_of(self.key)

    def chained(self, previous: str) -> str:
        """Give the hash of this entry on top of the previous one's."""
        content = {
            "key": self.key,
            "kind": self.kind,
            "settlement": self.settlement,
            "customer": self.customer,
            "contract": self.contract,
            "policy": self.policy,
            "form": self.form,
            "minor": self.amount.minor,
            "currency": self.amount.currency,
            "extension_days": str(self.extension_days),
            "may_terminate": self.may_terminate,
            "posted_at": utc_text(self.posted_at_ms),
            "previous": previous,
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def reference_of(key: str) -> str:
    """Give the reference of the entry with this key."""
    return f"sla-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def grant(settlement: Settlement, posted_at_ms: int) -> Entry:
    """Give the entry for a settlement that owes something; posted twice it has the same key."""
    return Entry(
        key=f"grant/{settlement.key}",
        kind=EntryKind.GRANT,
        settlement=settlement.key,
        customer=settlement.contract.customer.id,
        contract=settlement.contract.id,
        policy=settlement.policy.name,
        form=settlement.policy.form,
        amount=settlement.credit,
        extension_days=settlement.outcome.extension_days,
        may_terminate=settlement.outcome.may_terminate,
        posted_at_ms=posted_at_ms,
    )
