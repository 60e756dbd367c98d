"""Every kind of notice there is.

A kind is a folder of three templates (``subject.txt``, ``body.txt``, ``body.html``) in
``templates/notices/`` and a line here, which says when it is sent and makes samples of it.
Previews, ``check templates`` and the tests go through this registry, so that a new kind is looked
at in every language and with every shape of data from its first day on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.notices import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sla_exporter.notices.samples import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeKind:
    """A kind of notice: when it is sent, and made-up ones to look at.

    Those that ``gathers`` wait a little for others of the same customer, to be sent as one digest.
    """

    sent: str
    samples: Callable[[], Iterable[Sample]]
    gathers: bool = True


KINDS: dict[str, NoticeKind] = {
    "credit": NoticeKind(
        sent="A credit was granted.",
        samples=samples.credits_granted,
    ),
    "correction": NoticeKind(
        sent="A period was settled anew, and the credit is another than was told.",
        samples=samples.corrections,
    ),
    "statement": NoticeKind(
        sent="A period was settled without a credit, if notices.statements is on.",
        samples=samples.statements,
    ),
    "claim": NoticeKind(
        sent="A period was settled with a credit that its customer must claim.",
        samples=samples.offers,
    ),
    "claim_reminder": NoticeKind(
        sent="The time to claim a credit is nearly over.",
        samples=samples.reminders,
    ),
    "claim_refused": NoticeKind(
        sent="A customer claimed what is not due.",
        samples=samples.refusals,
        gathers=False,
    ),
    "outage": NoticeKind(
        sent="An outage was measured that has lasted for notices.outages.after.",
        samples=samples.outages,
        gathers=False,
    ),
    "digest": NoticeKind(
        sent="Several notices of one customer came within notices.gather; it says all of them.",
        samples=samples.digests,
        gathers=False,
    ),
}
