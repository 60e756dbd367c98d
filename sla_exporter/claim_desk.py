"""Claims, wired: what signs and reads links, writes letters and pages, and takes claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.links import Signer
from sla_exporter.evidence import read_policy
from sla_exporter.flow.claims import ClaimDesk
from sla_exporter.flow.offers import NO_OFFERS, Offers
from sla_exporter.flow.waiting import WaitingRoom
from sla_exporter.notices.claims import ClaimLetters
from sla_exporter.store.claims import Claims

if TYPE_CHECKING:
    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.records import CaseRecord
    from sla_exporter.flow.posting import Poster
    from sla_exporter.notices.render import JinjaRenderer
    from sla_exporter.settings import Config
    from sla_exporter.store.engine import Database


def signer_of(config: Config) -> Signer | None:
    """Give what signs and reads links, if there is a key."""
    return Signer(keys=config.claims.keys) if config.claims.keys else None


def offers_of(config: Config, renderer: JinjaRenderer) -> Offers:
    """Give what tells customers what they can claim."""
    signer, url = signer_of(config), config.claims.external_url
    if signer is None or not url:
        return NO_OFFERS
    return Offers(notices=ClaimLetters(renderer=renderer, signer=signer, external_url=url))


def desk_of(database: Database, poster: Poster) -> ClaimDesk:
    """Wire what takes claims."""
    return ClaimDesk(claims=Claims(database), poster=poster, read_policy=policy_of)


def policy_of(record: CaseRecord) -> Policy:
    """Read the policy that a settlement was computed by."""
    return read_policy({"name": record.policy, "source": record.policy_source})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overseer:
    """Looks after what waits for claims, as a job."""

    database: Database
    poster: Poster

    async def look(self, catalogue: Catalogue, now_ms: int) -> int:
        """Judge what was left over, remind, and let go what is too late; say how many."""
        room = WaitingRoom(claims=Claims(self.database), poster=self.poster)
        judged = await desk_of(self.database, self.poster).catch_up(catalogue, now_ms)
        reminded = await room.remind(catalogue, now_ms)
        return judged + reminded + await room.lapse(now_ms)
