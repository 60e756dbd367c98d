"""Credits on request, for the tests: what is promised, how it is settled, and who claims it."""

from __future__ import annotations

from dataclasses import replace

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.claims import Channel, StatedClaim
from sla_exporter.core.policy.claim import Anchor, Claim, Deadline
from sla_exporter.core.policy.downtime import DowntimeRule, Starts
from sla_exporter.store.outbox import DatabaseOutbox
from tests.cast import (
    DAY,
    GOLD,
    HOUR,
    NOVEMBER_3,
    OCTOBER,
    catalogue,
    outage,
)

KEY = "acme-web/2026-10"
MONTH_LATER = Deadline(of=Anchor.PERIOD_END, days=30)
UNTIL = OCTOBER.span.end_ms + 30 * DAY
ASKED = replace(GOLD, claim=Claim(within=MONTH_LATER, remind_ms=7 * DAY))
REPORTED = replace(
    GOLD,
    downtime=DowntimeRule(starts=Starts.REPORT),
    claim=Claim(within=MONTH_LATER, ticket_within=Deadline(of=Anchor.INCIDENT, hours=72)),
)
DOWN = [outage(3, 10, 95)]
TICKETED = replace(GOLD, claim=Claim(ticket_within=Deadline(of=Anchor.INCIDENT, hours=72)))


def claimed(received_at_ms=NOVEMBER_3 + HOUR, **changes) -> StatedClaim:
    plain = StatedClaim(
        settlement=KEY,
        contract="acme-web",
        channel=Channel.API,
        by="desk",
        received_at_ms=received_at_ms,
    )
    return replace(plain, **changes)


def book_of(policy, mode=Mode.AUTOMATIC):
    return catalogue(mode=mode, policy=policy)


async def settled(office, policy=ASKED, mode=Mode.AUTOMATIC, down=DOWN):
    """Settle October, in which Acme was down, and nobody else."""
    await office.measured({"acme": down, "birch": (), "cedar": ()}, until_ms=NOVEMBER_3)
    book = book_of(policy, mode)
    await office.settle(book, NOVEMBER_3)
    return book


async def notices(database) -> dict[str, object]:
    found = await DatabaseOutbox(database).claim("me", 10**15, 1, 100)
    return {one.notice.key: one.notice for one in found if one.notice}


async def listed(office) -> list[tuple[str, str]]:
    found = await office.claims.listed({}, 0, 100)
    return [(one.claim.result.value, one.claim.stated.settlement) for one in found]
