"""What customers are told about claims: what they can claim, that the time ends, and why not.

Each kind has its own folder of templates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.links import CLAIM, Link, Signer
from sla_exporter.core.periods import DAY_MS
from sla_exporter.notices.reasons import sentences
from sla_exporter.notices.views import NoticePart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sla_exporter.core.catalogue import Customer
    from sla_exporter.core.reasoning import Step
    from sla_exporter.core.settled import Settled
    from sla_exporter.notices.render import JinjaRenderer
    from sla_exporter.ports.settling import Notice

OFFER, REMINDER, REFUSAL = "claim", "claim_reminder", "claim_refused"
PATH = "/claim/"

# Whoever is late shall read that they are, and not that the link is dead.
_AFTER_DEADLINE_MS = 30 * DAY_MS
_WITHOUT_DEADLINE_MS = 2 * 366 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView(NoticePart):
    """What templates may use as ``notice.claim``; texts are in the customer's language.

    ``until`` is empty where there is no deadline; ``reasons`` says why a claim was refused.
    """

    link: str = ""
    until: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLetters:
    """Writes the notices about claims, with links to our address as customers see it."""

    renderer: JinjaRenderer
    signer: Signer
    external_url: str

    def offer(self, settled: Settled, customer: Customer) -> Notice:
        """Say what can be claimed, until when and how."""
        return self._write(OFFER, settled, customer, self._view(settled, customer))

    def reminder(self, settled: Settled, customer: Customer) -> Notice:
        """Say that the time to claim it ends soon."""
        return self._write(REMINDER, settled, customer, self._view(settled, customer))

    def refusal(self, settled: Settled, customer: Customer, reasons: Sequence[Step]) -> Notice:
        """Say why a claim was refused."""
        told = tuple(sentences(reasons, self.renderer.formats(customer.locale)))
        return self._write(REFUSAL, settled, customer, ClaimView(reasons=told))

    def link(self, settled: Settled) -> str:
        """Give the link with which a settlement is claimed."""
        return f"{self.external_url.rstrip('/')}{PATH}{self.signer.token(link_of(settled))}"

    def _view(self, settled: Settled, customer: Customer) -> ClaimView:
        until_ms = settled.claim_until_ms
        formats = self.renderer.formats(customer.locale)
        until = "" if until_ms is None else formats.moment(until_ms, settled.zone)
        return ClaimView(link=self.link(settled), until=until)

    def _write(self, kind: str, settled: Settled, customer: Customer, view: ClaimView) -> Notice:
        again = f"/{settled.revision}" if settled.revision > 1 else ""
        key = f"{kind}/{settled.key}{again}"
        return self.renderer.write_about(kind, key, settled, customer, claim=view)


def link_of(settled: Settled) -> Link:
    """Give what the link of a settlement opens, and until when."""
    until_ms = settled.claim_until_ms
    expires_at_ms = (
        settled.period_end_ms + _WITHOUT_DEADLINE_MS
        if until_ms is None
        else until_ms + _AFTER_DEADLINE_MS
    )
    return Link(
        purpose=CLAIM,
        settlement=settled.key,
        revision=settled.revision,
        expires_at_ms=expires_at_ms,
    )
