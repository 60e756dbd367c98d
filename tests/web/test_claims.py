"""The page for claims, asked over a real socket."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from aiohttp import ClientSession, web

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.policy.claim import Anchor, Claim, Deadline
from sla_exporter.core.settlement import State
from sla_exporter.errors import StoreUnavailable
from sla_exporter.flow.ingest import Ingester
from sla_exporter.metrics import MetricsHandler, ProcessMetrics
from sla_exporter.notices.claim_page import ClaimPage
from sla_exporter.notices.claims import link_of
from sla_exporter.settings.config import WebhookAccess
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.web.claims import ClaimPages
from sla_exporter.web.hooks import WebhookHandler
from sla_exporter.web.rates import RateLimit
from sla_exporter.web.server import Site
from tests.cast import (
    ACME,
    BIRCH,
    CEDAR,
    DAY,
    GOLD,
    HOUR,
    NOVEMBER_3,
    OCTOBER,
    catalogue,
    contract,
    outage,
)
from tests.conftest import FixedClock
from tests.office import ANA, SIGNER, Office

KEY = "acme-web/2026-10"
UNTIL = OCTOBER.span.end_ms + 30 * DAY
ASKED = replace(GOLD, claim=Claim(within=Deadline(of=Anchor.PERIOD_END, days=30)))
HOSTILE = replace(ACME, name="<script>alert(1)</script>{{ 7*7 }}\"'&", locale="pt_BR")


class Counter:
    """The page on a socket, with an office behind it; Acme and Cedar were down in October."""

    def __init__(self, database, *, mode=Mode.AUTOMATIC, acme=ACME) -> None:
        self.office = Office(database)
        self.clock = FixedClock(NOVEMBER_3 + HOUR)
        people = (contract(acme, "499.90"), contract(BIRCH), contract(CEDAR))
        self.book = catalogue(*people, mode=mode, policy=ASKED)
        self.is_away = False
        self.seconds = 0.0
        figures = DatabaseFigures(database)
        self.site = Site(
            webhook=WebhookHandler(
                ingester=Ingester(
                    incidents=self.office.reconciler.incidents, clock=self.clock, kept=lambda: None
                ),
                access=lambda: WebhookAccess(max_body=1024),
                count=lambda *_: None,
            ),
            figures=figures,
            metrics=MetricsHandler(
                process=ProcessMetrics(), figures=figures, per_contract=lambda: True
            ).serve,
            reload=self._nothing,
            is_ready=self._nothing,
            claims=ClaimPages(
                signer=lambda: SIGNER,
                desk=self._desk,
                page=lambda: ClaimPage(renderer=self.office.letters.renderer),
                catalogue=lambda: self.book,
                clock=self.clock,
                limit=RateLimit(seconds=lambda: self.seconds),
            ),
        )

    async def _nothing(self):
        return ""

    def _desk(self):
        if self.is_away:
            raise StoreUnavailable("the disk is full")
        return self.office.desk(ASKED)

    async def __aenter__(self):
        down = [outage(3, 10, 95)]
        await self.office.measured({"acme": down, "birch": (), "cedar": down}, until_ms=NOVEMBER_3)
        await self.office.settle(self.book, NOVEMBER_3)
        self._runner = web.AppRunner(self.site.application())
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._client = ClientSession(f"http://127.0.0.1:{self._runner.addresses[0][1]}")
        return self

    async def __aexit__(self, *_):
        await self._client.close()
        await self._runner.cleanup()

    async def token(self, key=KEY) -> str:
        return SIGNER.token(link_of(await self.office.one(key)))

    async def get(self, token, method="GET"):
        self.seconds += 1
        async with self._client.request(method, f"/claim/{token}") as response:
            return response.status, await response.text(), response.headers

    async def post(self, token):
        return await self.get(token, "POST")


async def test_looking_claims_nothing(database):
    """A mail scanner follows the link as often as it likes."""
    async with Counter(database) as counter:
        token = await counter.token()

        answers = [await counter.get(token) for _ in range(3)]

        status, page, headers = answers[-1]
        assert status == 200
        assert "Claim R$49.99" in page
        assert "before Dec 1, 2026, 12:00:00\u202fAM (UTC)" in page
        assert "Oct 3, 2026, 10:00:00\u202fAM to Oct 3, 2026, 11:35:00\u202fAM: 1 h 35 min" in page
        assert page.count("<form") == page.count("<button") == 1
        assert "<script" not in page
        assert "form-action 'self'" in headers["Content-Security-Policy"]
        assert (headers["Cache-Control"], headers["Referrer-Policy"]) == (
            "no-store",
            "no-referrer",
        )
        assert (await counter.office.one(KEY)).state is State.WAITING


async def test_the_button_claims_and_twice_is_once(database):
    """The same friendly page every time, and afterwards for whoever looks."""
    async with Counter(database) as counter:
        token = await counter.token()

        answers = [await counter.post(token), await counter.post(token), await counter.get(token)]

        assert {status for status, _, _ in answers} == {200}
        assert len({page for _, page, _ in answers}) == 1
        assert "Thank you: your claim is done" in answers[0][1]
        assert "<form" not in answers[0][1]
        assert await counter.office.told() == [("grant", 4999)]


async def test_pressed_twice_at_once_it_gives_one_credit(database):
    """Both see that it is done."""
    async with Counter(database) as counter:
        token = await counter.token()

        answers = await asyncio.gather(*(counter.post(token) for _ in range(6)))

        assert [status for status, _, _ in answers] == [200] * 6
        assert await counter.office.told() == [("grant", 4999)]
        assert await counter.office.is_sound()


async def test_a_page_shows_nothing_of_others(database):
    """Cedar's page knows no Acme, and its button gives Acme nothing."""
    async with Counter(database) as counter:
        token = await counter.token("cedar-web/2026-10")

        _, before, _ = await counter.get(token)
        _, after, _ = await counter.post(token)

        for page in (before, after):
            assert "Cedar Clinic" in page
            assert not re.search("acme|birch|499|ops@", page, re.IGNORECASE)
        assert (await counter.office.one(KEY)).state is State.WAITING
        assert [entry.customer for entry in await counter.office.entries()] == ["cedar"]


async def test_hostile_names_are_text(database):
    """In the customer's language too."""
    async with Counter(database, acme=HOSTILE) as counter:
        _, page, _ = await counter.get(await counter.token())

        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}&#34;&#39;&amp;" in page
        assert "Solicitar R$\xa049,99" in page
        assert '<html lang="pt-BR">' in page


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("changes", "status", "title"),
    [
        ({"purpose": "statement"}, 404, "This link is not valid"),
        ({"settlement": "acme-web/2026-09"}, 404, "This link is not valid"),
        ({"expires_at_ms": NOVEMBER_3}, 410, "This link has expired"),
        ({"revision": 7}, 410, "There is a newer message about this"),
    ],
)
async def test_a_link_that_opens_nothing_says_so(database, method, changes, status, title):
    """For another purpose, of nothing, expired, superseded."""
    async with Counter(database) as counter:
        link = replace(link_of(await counter.office.one(KEY)), **changes)

        found, page, _ = await counter.get(SIGNER.token(link), method)

        assert (found, title in page) == (status, True)
        assert "<form" not in page
        assert "Acme" not in page
        assert await counter.office.entries() == []


@pytest.mark.parametrize("token", ["x", "a.b", "%00", "A" * 4_000, "..%2f..%2fetc"])
async def test_a_forged_token_opens_nothing(database, token):
    """Whatever it is."""
    async with Counter(database) as counter:
        status, page, _ = await counter.post(token)

        assert (status, "This link is not valid" in page) == (404, True)
        assert await counter.office.entries() == []


async def test_who_comes_too_late_reads_why(database):
    """And gets it in writing; the page was open when the deadline passed."""
    async with Counter(database) as counter:
        token = await counter.token()
        counter.clock.at_ms = UNTIL

        shown, page, _ = await counter.get(token)
        status, _, _ = await counter.post(token)

        assert (shown, status) == (410, 410)
        assert "had to be claimed before Dec 1, 2026" in page
        (kept,) = await counter.office.claims.listed({}, 0, 10)
        assert kept.claim.result.value == "late"
        assert await counter.office.entries() == []


async def test_what_a_person_rejected_cannot_be_claimed(database):
    """An old link of a settlement that was held again and rejected."""
    async with Counter(database, mode=Mode.REVIEW) as counter:
        office = counter.office
        token = await counter.token()
        held, _, _ = await counter.get(token)
        await office.decider.reject(await office.decider.named([KEY]), counter.book, ANA, 1)

        status, page, _ = await counter.post(token)

        assert (held, status) == (200, 410)
        assert "There is nothing to claim here" in page


async def test_without_its_contract_a_link_opens_nothing(database):
    """Nobody knows any more whom it would be given to."""
    async with Counter(database) as counter:
        token = await counter.token()
        counter.book = catalogue(contract(BIRCH), policy=ASKED)

        status, _, _ = await counter.post(token)

        assert status == 404
        assert await counter.office.entries() == []


async def test_without_the_database_nothing_is_lost(database):
    """The page says to try again, and so do the headers."""
    async with Counter(database) as counter:
        token = await counter.token()
        counter.is_away = True

        status, page, headers = await counter.post(token)

        assert (status, headers["Retry-After"]) == (503, "1")
        assert "Nothing was lost" in page


async def test_an_address_may_not_ask_without_end(database):
    """Twenty a second, and twice as many at once."""
    async with Counter(database) as counter:
        statuses = []
        for _ in range(41):
            counter.seconds -= 1  # time stands still
            statuses.append((await counter.get("x"))[0])

        assert statuses == [404] * 40 + [429]
