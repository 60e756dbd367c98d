"""The JSON API, asked over a real socket."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from aiohttp import ClientSession, web

from sla_exporter.core.brakes import CAREFUL, Budget
from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.errors import NotReady, StoreUnavailable
from sla_exporter.flow.exclusions import ExclusionDesk
from sla_exporter.flow.ingest import Ingester
from sla_exporter.metrics import MetricsHandler, ProcessMetrics
from sla_exporter.ports.api import Scope
from sla_exporter.settings.config import WebhookAccess
from sla_exporter.store.exclusions import Exclusions
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.listing import Listing
from sla_exporter.store.tokens import Tokens
from sla_exporter.web.api.handlers import Api
from sla_exporter.web.api.openapi import description
from sla_exporter.web.api.routes import API
from sla_exporter.web.hooks import WebhookHandler
from sla_exporter.web.lifecycle import ReloadHandler
from sla_exporter.web.server import Site
from tests.cast import CEDAR, GOLD, NOVEMBER_3, at, catalogue, outage, telling
from tests.conftest import FixedClock
from tests.office import Office

BOOK = catalogue()
KEY = "acme-web/2026-10"


class Asked:
    """The API on a socket, with an office behind it, and tokens for reading and for deciding."""

    def __init__(self, database, office: Office) -> None:
        self.database, self.office = database, office
        self.tokens = Tokens(database)
        self.broken: Exception | None = None
        self.book, self.policy = BOOK, GOLD
        figures = DatabaseFigures(database)
        self.site = Site(
            webhook=WebhookHandler(
                ingester=Ingester(
                    incidents=office.reconciler.incidents, clock=FixedClock(1), kept=lambda: None
                ),
                access=lambda: WebhookAccess(max_body=1024, bearer_token="other"),
                count=lambda *_: None,
                tokens=self.tokens,
            ),
            figures=figures,
            metrics=MetricsHandler(
                process=ProcessMetrics(), figures=figures, per_contract=lambda: True
            ).serve,
            reload=ReloadHandler(tokens=self.tokens, reload=self._nothing).serve,
            is_ready=self._nothing,
            api=Api(
                tokens=self.tokens,
                lists=Listing(database),
                figures=figures,
                clock=FixedClock(NOVEMBER_3),
                catalogue=lambda: self.book,
                decider=lambda: office.decider,
                desk=ExclusionDesk(store=Exclusions(database), clock=FixedClock(NOVEMBER_3)),
                claim_desk=lambda: office.desk(self.policy),
                pack=self._pack,
            ),
        )

    async def _nothing(self):
        return ""

    async def _pack(self, key):
        if self.broken:
            raise self.broken
        return {"format": key}

    async def __aenter__(self):
        self.secrets = {
            scope: await self.tokens.add(f"{scope}-token", [scope], 1) for scope in Scope
        }
        self._runner = web.AppRunner(self.site.application())
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._client = ClientSession(self.url)
        return self

    async def __aexit__(self, *_):
        await self._client.close()
        await self._runner.cleanup()

    async def ask(self, path, *, scope=Scope.READ, method="GET", headers=None, **kwargs):
        headers = dict(headers or {})
        if scope:
            headers["Authorization"] = f"Bearer {self.secrets[scope]}"
        async with self._client.request(
            method, f"/api/v1{path}", headers=headers, **kwargs
        ) as answer:
            self.headers = answer.headers
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def items(self, path, **kwargs):
        status, found = await self.ask(path, **kwargs)
        assert status == 200, found
        return found["items"]

    async def decide(self, path, body, **kwargs):
        return await self.ask(path, scope=Scope.OPERATE, method="POST", json=body, **kwargs)


@pytest.fixture
async def office(database) -> Office:
    office = Office(database, brakes=replace(CAREFUL, run=Budget(count=1)))
    down = {"acme": [outage(3, 10, 95)], "birch": [outage(9, 10, 95)], "cedar": []}
    await office.measured(down, until_ms=NOVEMBER_3)
    await office.settle(BOOK, NOVEMBER_3)
    return office


@pytest.fixture
async def asked(database, office):
    async with Asked(database, office) as asked:
        yield asked


async def test_settlements_are_listed_with_their_reasoning(asked):
    """Filtered by whatever one asks for."""
    assert len(await asked.items("/settlements")) == 3
    (found,) = await asked.items("/settlements?verdict=breached&customer=acme")
    assert (found["key"], found["credit"], found["currency"]) == (KEY, "49.99", "BRL")
    assert any("10% of BRL 499.90" in reason for reason in found["reasons"])
    assert (await asked.ask(f"/settlements/{KEY}"))[1] == found


async def test_long_lists_come_in_pages(asked):
    """Every item once, in order, and a link to the next page."""
    seen, after, links = [], "", 0
    while after is not None:
        _, page = await asked.ask(f"/settlements?limit=1&after={after}")
        seen += [item["key"] for item in page["items"]]
        links += "Link" in asked.headers
        after = page["next"]

    assert seen == [f"{name}-web/2026-10" for name in ("acme", "birch", "cedar")]
    assert links == 2


async def test_held_credits_are_listed_and_released(asked, office):
    """The decision carries the name of the token that made it."""
    held = await asked.items("/credits?state=held")
    group = held[0]["group"]
    status, said = await asked.decide("/credits/approve", {"credits": [group], "reason": "looked"})

    assert (status, said["decided"]) == (200, 2)
    assert {item["state"] for item in await asked.items("/credits")} == {"posted"}
    decisions = await asked.items("/decisions?by=operate-token")
    assert {(d["decision"], d["reason"]) for d in decisions} == {("approve", "looked")}
    entries = await asked.items("/ledger?customer=acme&kind=grant")
    assert [(one["amount"], one["by"]) for one in entries] == [("49.99", "operate-token")]
    balances = await asked.items("/balances?customer=birch")
    assert [(one["credited"], one["carried"]) for one in balances] == [("10.00", "0.00")]
    assert await office.is_sound()


async def test_credits_are_rejected_and_adjusted(asked, office):
    """One with nothing, one with another amount."""
    adjust = {"credit": KEY, "amount": "5.00", "currency": "BRL", "reason": "half of it"}
    assert (await asked.decide("/credits/adjust", adjust))[0] == 200
    reject = {"credits": ["birch-web/2026-10"], "reason": "planned"}
    assert (await asked.decide("/credits/reject", reject))[0] == 200

    assert await office.told() == [("grant", 500)]
    again, said = await asked.decide("/credits/reject", reject)
    assert (again, said["detail"]) == (409, "birch-web/2026-10 is not held; it is rejected")


async def test_exclusions_are_entered_listed_and_withdrawn(asked):
    """With the name of the token that did it; what was withdrawn stays in the records."""
    window = {"start": "2026-10-03T10:00:00+00:00", "end": "2026-10-03T07:35:00-04:00"}
    entered = {"contract": "acme-web", **window, "reason": "planned"}
    status, one = await asked.decide("/exclusions", entered)

    assert (status, one["by"], one["end"]) == (200, "operate-token", "2026-10-03T11:35:00Z")
    assert await asked.items("/exclusions") == [one]
    gone = {"exclusion": one["key"], "reason": "it was not"}
    assert (await asked.decide("/exclusions/withdraw", gone))[0] == 200
    (kept,) = await asked.items("/exclusions")
    assert kept["withdrawn_by"] == "operate-token"
    assert (await asked.decide("/exclusions/withdraw", gone))[0] == 409


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"contract": "nobody"}, 409, "there is no contract and no customer 'nobody'"),
        ({"contract": None}, 409, "name a service, a contract or matchers"),
        ({"end": "2026-10-03T09:00:00Z"}, 409, "an exclusion must end after it begins"),
        ({"start": "2026-10-03T10:00:00"}, 422, "start: Input should have timezone info"),
        ({"matchers": ["x"]}, 422, "a matcher is written"),
        ({"reason": ""}, 422, "reason: "),
    ],
)
async def test_a_mistake_in_an_exclusion_is_a_problem(asked, changed, status, said):
    """And nothing is entered."""
    window = {"start": "2026-10-03T10:00:00Z", "end": "2026-10-03T11:00:00Z"}
    body = {"contract": "acme-web", "reason": "planned", **window} | changed

    answer, problem = await asked.decide("/exclusions", body)

    assert answer == status
    assert said in problem["detail"]
    assert await asked.items("/exclusions") == []


async def test_incidents_customers_contracts_and_exposure(asked, office):
    """What else there is to see."""
    alert = IncidentWindow(
        fingerprint="feedfacefeedface",
        starts_at_ms=at(3),
        ends_at_ms=None,
        labels={"alertname": "SiteDown"},
    )
    await office.reconciler.incidents.keep(telling(alert, replace(alert, starts_at_ms=at(4))))
    await office.reconciler.stand(BOOK, NOVEMBER_3)

    _, first = await asked.ask("/incidents?limit=1")
    _, second = await asked.ask(f"/incidents?limit=1&after={first['next']}")
    assert [p["items"][0]["start"] for p in (first, second)] == [
        "2026-10-03T00:00:00Z",
        "2026-10-04T00:00:00Z",
    ]
    assert [one["id"] for one in await asked.items("/customers")] == ["acme", "birch", "cedar"]
    assert [c["fee"] for c in await asked.items("/contracts?customer=acme")] == ["499.90"]
    exposed = await asked.items("/exposure?customer=cedar")
    assert [(e["credit"], e["next_credit"]) for e in exposed] == [("0.00", "10.00")]
    assert CEDAR.name not in json.dumps(exposed)


async def test_an_answer_that_did_not_change_is_not_sent_again(asked):
    """By its ETag; a decision changes it."""
    await asked.ask("/credits")
    tag = asked.headers["ETag"]

    assert (await asked.ask("/credits", headers={"If-None-Match": tag}))[0] == 304
    assert (await asked.ask("/credits", headers={"If-None-Match": f'"x", W/{tag}'}))[0] == 304
    await asked.decide("/credits/reject", {"credits": [KEY], "reason": "r"})
    assert (await asked.ask("/credits", headers={"If-None-Match": tag}))[0] == 200


@pytest.mark.parametrize(
    "wrong",
    [
        ("/settlements", None, "GET", None, 401, "a token is needed"),
        ("/settlements", Scope.INGEST, "GET", None, 403, "has not the scope read"),
        ("/credits/reject", Scope.READ, "POST", {}, 403, "has not the scope operate"),
        ("/settlements?limit=0", Scope.READ, "GET", None, 400, "limit"),
        ("/settlements?colour=red", Scope.READ, "GET", None, 400, "colour"),
        ("/ledger?after=x", Scope.READ, "GET", None, 400, "after"),
        ("/incidents?after=1", Scope.READ, "GET", None, 400, "after"),
        ("/settlements/acme-web/2020-01", Scope.READ, "GET", None, 404, "no settlement acme-web"),
        ("/settlements?customer=%00", Scope.READ, "GET", None, 422, "no text"),
        ("/settlements/acme%00/2026-10", Scope.READ, "GET", None, 422, "no text"),
        ("/credits/reject", Scope.OPERATE, "POST", {"credits": ["\ud800"]}, 422, "no text"),
        ("/nothing", Scope.READ, "GET", None, 404, "/api/v1/nothing"),
        ("/settlements", Scope.READ, "DELETE", None, 405, "DELETE"),
        ("/credits/reject", Scope.OPERATE, "POST", {"credits": []}, 422, "credits"),
        ("/credits/reject", Scope.OPERATE, "POST", {"credits": ["x"], "reason": "r"}, 409, "x"),
        (
            "/credits/adjust",
            Scope.OPERATE,
            "POST",
            {"credit": KEY, "amount": "1.001", "currency": "BRL", "reason": "r"},
            422,
            "decimal places",
        ),
    ],
)
async def test_what_is_wrong_is_said_as_problem_details(asked, wrong):
    """As RFC 9457 has it, whatever is wrong."""
    path, scope, method, body, status, said = wrong

    found, problem = await asked.ask(path, scope=scope, method=method, json=body)

    assert (found, problem["status"]) == (status, status)
    assert said in problem["detail"]
    assert problem["title"]
    assert asked.headers["Content-Type"].startswith("application/problem+json")
    assert ("WWW-Authenticate" in asked.headers) == (status == 401)


async def test_trouble_inside_is_a_problem_too(asked):
    """The database is away; there is no evidence."""
    asked.broken = StoreUnavailable("the database is locked")
    assert (await asked.ask(f"/credits/{KEY}/evidence"))[0] == 503
    asked.broken = NotReady("nothing was kept")
    assert (await asked.ask(f"/credits/{KEY}/evidence"))[0] == 404
    asked.broken = None
    assert (await asked.ask(f"/credits/{KEY}/evidence"))[1] == {"format": KEY}
    garbage = {"scope": Scope.OPERATE, "method": "POST", "data": b"{"}
    assert (await asked.ask("/credits/reject", **garbage))[0] == 400


async def test_a_token_for_webhooks_lets_alertmanager_in(asked):
    """Beside what the configuration names; a token for reading does not."""
    hook = {"method": "POST", "json": {"version": "4", "alerts": []}}

    assert (await asked.ask("/alerts/webhook", scope=Scope.INGEST, **hook))[0] == 200
    assert (await asked.ask("/alerts/webhook", scope=Scope.READ, **hook))[0] == 401


async def test_a_revoked_token_opens_nothing(asked):
    """From the next request on."""
    await asked.tokens.revoke("read-token", 2)

    assert (await asked.ask("/settlements"))[0] == 401


async def test_secrets_are_not_in_the_database(asked, database):
    """Whoever has the database cannot call the API."""
    async with database.read() as connection:
        rows = (await connection.exec_driver_sql("SELECT * FROM api_token")).all()

    assert len(rows) == 3
    assert not any(secret in str(rows) for secret in asked.secrets.values())


async def test_the_description_names_every_route_and_model(asked):
    """It is open to all, and has no reference to nowhere."""
    status, found = await asked.ask("/openapi.json", scope=None)

    assert (status, found) == (200, json.loads(json.dumps(description())))
    operations = {
        (method.upper(), path) for path, item in found["paths"].items() for method in item
    }
    assert operations == {(route.method, route.path) for route in API}
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found)))
    assert references <= set(found["components"]["schemas"])
    ledger = found["paths"]["/api/v1/ledger"]["get"]
    assert {p["name"] for p in ledger["parameters"]} >= {"after", "limit", "customer", "kind"}
