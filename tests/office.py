"""An office for the tests: a database, a reconciler on it, and the people who decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sla_exporter.core.brakes import CAREFUL, Brakes
from sla_exporter.core.due import closing_in
from sla_exporter.core.links import Signer
from sla_exporter.core.samples import SeriesState
from sla_exporter.core.windows import Window
from sla_exporter.flow.again import Request, Reviser
from sla_exporter.flow.claims import ClaimDesk
from sla_exporter.flow.decide import Decider, Verdict
from sla_exporter.flow.offers import Offers
from sla_exporter.flow.reconcile import Reconciler
from sla_exporter.flow.upkeep import keep_up
from sla_exporter.flow.waiting import WaitingRoom
from sla_exporter.notices.claims import ClaimLetters
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.ports.measuring import Observation, Watermark
from sla_exporter.ports.settling import Notice, Routes
from sla_exporter.store.claims import Claims
from sla_exporter.store.exclusions import Exclusions
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.observations import Observations
from sla_exporter.store.reader import Reader
from sla_exporter.store.settlements import Settlements
from tests.cast import DAY, MINUTE, OCTOBER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.catalogue import Catalogue
    from sla_exporter.core.ledger import Entry
    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.settled import Settled
    from sla_exporter.store.engine import Database

ANA = Verdict(by="Ana", reason="looked at the switch's log")
BO = Verdict(by="Bo", reason="agrees with Ana")


SIGNER = Signer(keys=("a key of the tests",))


class PlainRenderer:
    """Notices without pictures, for tests that send thousands."""

    def render(self, settled, customer, entry, *, corrects=False) -> Notice:
        kind = "credit" if entry else "statement"
        return Notice(
            key=f"{kind}/{settled.key}/{settled.revision}",
            kind=kind,
            locale=customer.locale,
            recipients=customer.email,
            subject=str(settled.credit),
            text="",
            html="",
        )


class Office:
    """Measures by hand, settles and decides."""

    def __init__(
        self, database: Database, *, brakes: Brakes = CAREFUL, plain: bool = False
    ) -> None:
        self.store = Settlements(database)
        self.reader = Reader(database)
        self.claims = Claims(database)
        renderer = JinjaRenderer("Example Hosting")
        self.letters = ClaimLetters(
            renderer=renderer, signer=SIGNER, external_url="https://sla.example"
        )
        self.reconciler = Reconciler(
            observations=Observations(database),
            exclusions=Exclusions(database),
            incidents=Incidents(database),
            settlements=self.store,
            renderer=PlainRenderer() if plain else renderer,
            claims=self.claims,
            offers=Offers(notices=self.letters),
            routes=Routes(notices="email", credits="file", statements=True),
            settle_after_ms=2 * DAY,
            brakes=brakes,
        )

    @property
    def decider(self) -> Decider:
        return Decider(settlements=self.store, poster=self.reconciler.poster)

    @property
    def room(self) -> WaitingRoom:
        return WaitingRoom(claims=self.claims, poster=self.reconciler.poster)

    def desk(self, policy: Policy) -> ClaimDesk:
        """Give who takes claims; there is one policy, and no file that it is from."""
        return ClaimDesk(
            claims=self.claims, poster=self.reconciler.poster, read_policy=lambda _: policy
        )

    async def measured(
        self, down: Mapping[str, Sequence[Window]], *, until_ms: int, from_ms: int | None = None
    ) -> None:
        """Write down that these customers were down then, and up otherwise."""
        start_ms = OCTOBER.span.start_ms - DAY if from_ms is None else from_ms
        mark = Watermark(
            interval_ms=MINUTE,
            from_ms=start_ms,
            fresh_until_ms=until_ms,
            final_until_ms=until_ms,
        )
        states = {
            (("customer", name),): SeriesState(down=tuple(windows))
            for name, windows in down.items()
        }
        span = Window(start_ms, until_ms)
        await self.reconciler.observations.record("web", span, Observation(states=states), mark)

    async def settle(self, book: Catalogue, now_ms: int) -> int:
        return await self.reconciler.settle_due(book, now_ms)

    async def again(
        self, book: Catalogue, label: str, who: Verdict, now_ms: int, *, take_back: bool = False
    ) -> dict[str, str]:
        """Settle anew, and say what became of each."""
        due = list(closing_in(book, label))
        request = Request(verdict=who, take_back=take_back)
        reviewed = await Reviser(reconciler=self.reconciler).revise(book, due, request, now_ms)
        return {one.before.key: one.fate.value for one in reviewed}

    async def keep_up(self, book: Catalogue, now_ms: int) -> int:
        return await keep_up(self.store, book, now_ms)

    async def one(self, key: str) -> Settled:
        (found,) = await self.store.find([key])
        return found

    async def entries(self) -> list[Entry]:
        return [line.entry async for line in self.reader.lines()]

    async def told(self) -> list[tuple[str, int]]:
        """Give kinds and amounts of all entries, in order."""
        return [(entry.kind.value, entry.amount.minor) for entry in await self.entries()]

    async def balance(self, contract: str) -> tuple[int, int]:
        """Give what was credited and what is carried."""
        found = [b for b in await self.reader.balances() if b.contract == contract]
        return (sum(b.credited_minor for b in found), sum(b.carried_minor for b in found))

    async def is_sound(self) -> bool:
        audit = await self.reader.audit()
        assert audit.problems == []
        return True
