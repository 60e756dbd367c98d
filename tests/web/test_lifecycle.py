"""``POST /-/reload``: for whom, and what it answers."""

from __future__ import annotations

from sla_exporter.core.problems import Place, Problem
from sla_exporter.errors import ConfigInvalid
from sla_exporter.ports.api import Scope
from tests.web.test_server import BEARER, served

__all__ = ["served"]  # a fixture


async def test_who_may_operate_reloads(served):
    """What is wrong in the file is told; the method is the one of Prometheus."""
    served.reloads = [None, ConfigInvalid([Problem(Place("sla.yml", 3), "is wrong")])]
    token = {"Authorization": f"Bearer {await served.tokens.add('ops', [Scope.OPERATE], 0)}"}

    status, said = await served.ask("POST", "/-/reload", headers=token)
    assert (status, "sla.yml:3: is wrong" in said) == (400, True)
    assert (await served.ask("POST", "/-/reload", headers=token))[0] == 200
    assert (await served.ask("GET", "/-/reload", headers=token))[0] == 405


async def test_nobody_else_reloads(served):
    """Not from the same machine, nor by what a webhook presents; the file is not looked at."""
    served.access = BEARER
    other = await served.tokens.add("dashboard", [Scope.READ, Scope.INGEST], 0)
    answers = {}
    for secret in (None, "s3cret", "wrong", other):
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        answers[secret], said = await served.ask("POST", "/-/reload", headers=headers)
        assert "SIGHUP" in said
        assert ("tokens add NAME --scope operate" in said) is (secret != other)
        assert ("WWW-Authenticate" in served.headers) is (secret != other)

    assert answers == {None: 401, "s3cret": 401, "wrong": 401, other: 403}


async def test_no_token_reloads_while_the_database_is_away(served):
    """Where tokens are looked up; a signal does."""
    served.disk_is_full = True

    status, said = await served.ask("POST", "/-/reload", headers={"Authorization": "Bearer x"})

    assert (status, "SIGHUP" in said) == (503, True)
