"""Claims by API: entered with the name of the token, listed with what came of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_exporter.core.policy.claim import Anchor, Claim, Deadline
from sla_exporter.ports.api import Scope
from tests.cast import GOLD, NOVEMBER_3, catalogue, outage
from tests.office import Office
from tests.web.test_api import Asked

ASKED = replace(GOLD, claim=Claim(within=Deadline(of=Anchor.PERIOD_END, days=30)))
CLAIM = {"contract": "acme-web", "period": "2026-10"}
TIMES = {"start": "2026-10-03T07:00:00-03:00", "end": "2026-10-03T11:35:00Z"}


@pytest.fixture
async def office(database) -> Office:
    office = Office(database)
    await office.measured({"acme": [outage(3, 10, 95)], "cedar": []}, until_ms=NOVEMBER_3)
    await office.settle(catalogue(policy=ASKED), NOVEMBER_3)
    return office


@pytest.fixture
async def asked(database, office):
    asked = Asked(database, office)
    asked.book, asked.policy = catalogue(policy=ASKED), ASKED
    async with asked:
        yield asked


async def test_a_claim_is_entered_once(asked, office):
    """Sent again after a time-out it is a duplicate, and nothing is given twice."""
    status, first = await asked.decide("/claims", {**CLAIM, **TIMES, "ticket": "T-1"})
    again, second = await asked.decide("/claims", {**CLAIM, **TIMES, "ticket": "T-1"})

    assert (status, first["result"], again, second["result"]) == (200, "accepted", 200, "duplicate")
    assert first["by"] == "operate-token"
    assert first["start"] == "2026-10-03T10:00:00Z"
    assert await office.told() == [("grant", 4999)]
    (listed,) = await asked.items("/claims?result=accepted")
    assert (listed["state"], listed["number"]) == ("posted", 1)
    assert "A claim was received on" in listed["reasons"][0]
    _, page = await asked.ask("/claims?limit=1")
    assert [one["number"] for one in page["items"]] == [1]
    assert [one["number"] for one in await asked.items(f"/claims?after={page['next']}")] == [2]


async def test_what_waits_is_found_by_its_state(asked):
    """So that a help desk sees who may still claim."""
    (found,) = await asked.items("/credits?state=waiting")

    assert (found["key"], found["holds"]) == ("acme-web/2026-10", ["claim"])


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"contract": "nobody"}, 404, "there is no contract nobody in the configuration"),
        ({"period": "2019-01"}, 404, "there is no settlement acme-web/2019-01"),
        ({"contract": "birch-web", "period": "2026-10/../x"}, 404, "there is no settlement"),
        ({"received": "2030-01-01T00:00:00Z"}, 409, "cannot have come in the future"),
        ({"start": "2026-10-03T10:00:00Z"}, 422, "give both start and end"),
        ({"start": TIMES["end"], "end": TIMES["start"]}, 422, "the end comes before the start"),
        ({"ticket": "a\nb"}, 422, "ticket"),
        ({"received": "2026-11-03T00:00:00"}, 422, "timezone"),
    ],
)
async def test_what_cannot_be_claimed_is_a_problem(asked, office, changes, status, said):
    """With a sentence; nothing is kept of it."""
    found, problem = await asked.decide("/claims", {**CLAIM, **changes})

    assert found == status
    assert said in problem["detail"]
    assert await asked.items("/claims") == []
    assert await office.entries() == []


async def test_reading_does_not_claim(asked, office):
    """A token for reading may look and no more."""
    status, _ = await asked.ask("/claims", method="POST", json=CLAIM, scope=Scope.READ)

    assert status == 403
    assert await office.entries() == []
