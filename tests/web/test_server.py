"""The HTTP server, asked over a real socket."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from sla_exporter.core.exposure import Outlook
from sla_exporter.errors import StoreUnavailable
from sla_exporter.flow.ingest import Ingester
from sla_exporter.metrics import MetricsHandler, ProcessMetrics
from sla_exporter.ports.figures import Standing
from sla_exporter.settings.config import WebhookAccess
from sla_exporter.store import tables as t
from sla_exporter.store.figures import DatabaseFigures
from sla_exporter.store.incidents import Incidents
from sla_exporter.store.settlements import Settlements
from sla_exporter.store.tokens import Tokens
from sla_exporter.web.hooks import WebhookHandler
from sla_exporter.web.lifecycle import ReloadHandler
from sla_exporter.web.server import Site
from tests.cast import ACME, contract, outage, settled
from tests.conftest import FixedClock

HOOK = "/api/v1/alerts/webhook"
BODY = json.loads(
    (Path(__file__).parents[1] / "data/webhooks/02_firing_group_two_alerts.json").read_text()
)["body"]
OPEN = WebhookAccess(max_body=64 * 1024)
BEARER = WebhookAccess(max_body=64 * 1024, bearer_token="s3cret")
BASIC = WebhookAccess(max_body=64 * 1024, basic_auth=("alertmanager", "pa:ss"))


class Served:
    """A site on a real socket, on stores that can be taken away."""

    def __init__(self, database) -> None:
        self.metrics = ProcessMetrics()
        self.access = OPEN
        self.reloads: list[Exception | None] = []
        self.missing = ""
        self.disk_is_full = False
        self.incidents, self._figures = Incidents(database), DatabaseFigures(database)
        self.tokens = Tokens(database)
        self.site = Site(
            webhook=WebhookHandler(
                ingester=Ingester(incidents=self, clock=FixedClock(1_000), kept=lambda: None),
                access=lambda: self.access,
                count=self.metrics.count_alerts,
                tokens=self,
            ),
            figures=self,
            metrics=MetricsHandler(
                process=self.metrics, figures=self, per_contract=lambda: True
            ).serve,
            reload=ReloadHandler(tokens=self, reload=self._reload).serve,
            is_ready=self._missing,
        )

    async def keep(self, request):
        self._need_disk()
        await self.incidents.keep(request)

    async def figures(self):
        self._need_disk()
        return await self._figures.figures()

    async def known(self, secret):
        self._need_disk()
        return await self.tokens.known(secret)

    def _need_disk(self) -> None:
        if self.disk_is_full:
            raise StoreUnavailable("database or disk is full")

    async def _reload(self) -> None:
        error = self.reloads.pop()
        if error:
            raise error

    async def _missing(self) -> str:
        return self.missing

    def counted(self, status: str, result: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "sla_webhook_alerts_total", {"status": status, "result": result}
        )
        return value or 0.0

    async def __aenter__(self):
        self.runner = web.AppRunner(self.site.application())
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self._client = ClientSession(f"http://127.0.0.1:{self.runner.addresses[0][1]}")
        return self

    async def __aexit__(self, *_):
        await self._client.close()
        await self.runner.cleanup()

    @asynccontextmanager
    async def connected(self):
        reader, writer = await asyncio.open_connection(*self.runner.addresses[0])
        try:
            yield reader, writer
        finally:
            writer.close()

    async def ask(self, method: str, path: str, **kwargs) -> tuple[int, str]:
        async with self._client.request(method, path, **kwargs) as response:
            self.headers = response.headers
            return response.status, await response.text()

    async def post(self, data, **headers) -> int:
        status, self.said = await self.ask("POST", HOOK, data=data, headers=headers)
        return status


@pytest.fixture
async def served(database):
    async with Served(database) as served:
        yield served


async def stored(database) -> tuple[int, int]:
    """Count windows and kept requests."""
    await Incidents(database).join()
    async with database.read() as connection:
        windows = (await connection.execute(select(t.incident))).all()
        requests = (await connection.execute(select(t.webhook_request))).all()
    return len(windows), len(requests)


async def test_a_webhook_is_committed_before_it_is_answered(served, database):
    """200 means that it is in the database."""
    assert await served.post(json.dumps(BODY)) == 200
    assert await stored(database) == (2, 1)
    assert served.counted("firing", "stored") == 2


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 20_000, b'{"version": "4"}']
)
async def test_garbage_is_kept_and_answered_400(served, database, body):
    """Trying again cannot help; the evidence may."""
    assert await served.post(body) == 400
    assert await stored(database) == (0, 1)
    assert served.counted("unknown", "malformed") == 1


async def test_a_bad_alert_among_good_ones_is_answered_422(served, database):
    """The good one is stored, and Alertmanager counts a failure that somebody will see."""
    body = {**BODY, "alerts": [BODY["alerts"][0], {"status": "firing"}]}

    assert await served.post(json.dumps(body)) == 422
    assert "alert 1" in served.said
    assert await stored(database) == (1, 1)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_answered_413(served, database, chunked):
    """Whether it says its length or not, no more than the limit is read."""
    served.access = replace(served.access, max_body=1_000)

    async def pieces():
        for _ in range(3_000):
            yield b" " * 1_000

    status = await served.post(pieces() if chunked else b" " * 1_001)

    assert status == 413
    assert await stored(database) == (0, 0)


async def test_a_redirected_webhook_is_no_success(served):
    """Alertmanager follows a 301 with a GET without a body, and takes 200 for delivered."""
    assert (await served.ask("GET", "/api/v1/alerts/webhook"))[0] == 405


async def test_a_full_disk_is_answered_503(served):
    """Alertmanager sends it again, for as long as the alert is not resolved."""
    served.disk_is_full = True

    assert await served.post(json.dumps(BODY)) == 503
    assert await served.post(b"{") == 503
    assert served.counted("firing", "not_stored") == 2


async def test_who_cannot_be_looked_up_is_answered_503(served):
    """A token may be in force; Alertmanager would not try again after 401."""
    served.access, served.disk_is_full = BEARER, True
    given = {"Authorization": "Bearer slax_another"}

    assert await served.post(json.dumps(BODY), **given) == 503
    assert served.counted("unknown", "not_stored") == 1
    assert served.counted("unknown", "unauthorized") == 0
    assert (await served.ask("GET", "/api/v1/status/config", headers=given))[0] == 503


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("access", "authorization", "status"),
    [
        (BEARER, "Bearer s3cret", 200),
        (BEARER, "bearer s3cret", 200),
        (BEARER, "Bearer S3cret", 401),
        (BEARER, "Bearer ", 401),
        (BEARER, None, 401),
        (BEARER, basic("alertmanager", "s3cret"), 401),
        (BASIC, basic("alertmanager", "pa:ss"), 200),
        (BASIC, basic("alertmanager", "pa"), 401),
        (BASIC, basic("other", "pa:ss"), 401),
        (BASIC, "Basic !!!", 401),
        (BASIC, "Basic /w==", 401),
        (OPEN, None, 200),
    ],
)
async def test_credentials(served, database, access, authorization, status):
    """Bearer token or basic auth, whichever is configured; nothing is stored without."""
    served.access = access
    headers = {"Authorization": authorization} if authorization else {}

    assert await served.post(json.dumps(BODY), **headers) == status
    assert await stored(database) == ((2, 1) if status == 200 else (0, 0))
    if status == 401:
        assert "WWW-Authenticate" in served.headers
        assert "s3cret" not in served.said


async def test_many_webhooks_at_once_all_end_in_the_database(served, database):
    """Fifty requests at the same time, as when a data centre goes dark."""
    bodies = []
    for i in range(50):
        alerts = [{**a, "fingerprint": f"{i:08x}{j:08x}"} for j, a in enumerate(BODY["alerts"])]
        bodies.append(json.dumps({**BODY, "alerts": alerts}))

    statuses = await asyncio.gather(*(served.ask("POST", HOOK, data=body) for body in bodies))

    assert {status for status, _ in statuses} == {200}
    assert await stored(database) == (100, 50)


async def test_metrics_tell_what_the_ledger_says(served, database):
    """In the text format of Prometheus, money in major units."""
    from tests.adapters.test_settlement_store import posting  # noqa: PLC0415

    store = Settlements(database)
    await store.post([posting(settled(outage(3, 10, 95)))], 1)
    await store.stand(
        [Standing.of(settled(outage(3, 10, 95), of=contract(ACME, "499.90")), Outlook())]
    )

    status, text = await served.ask("GET", "/metrics")
    samples = {
        (s.name, *sorted(s.labels.values())): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }

    assert status == 200
    assert samples["sla_credits_issued_total", "BRL", "account credit", "gold"] == 49.99
    assert samples["sla_credits_issued_count_total", "BRL", "account credit", "gold"] == 1
    assert samples["sla_credit_exposure", "BRL", "gold"] == 49.99
    assert samples["sla_downtime_seconds", "acme", "acme-web", "web"] == 5_700
    assert samples["sla_availability_ratio", "acme", "acme-web", "web"] == 44_545 / 44_640
    assert samples["sla_objective_ratio", "acme", "acme-web", "web"] == 0.9995
    assert samples["sla_webhook_alerts_total", "firing", "stored"] == 0


async def test_metrics_of_the_process_are_there_without_the_database(served):
    """Otherwise nobody would see that the database is away."""
    served.disk_is_full = True

    status, text = await served.ask("GET", "/metrics")

    assert status == 200
    assert "sla_store_errors_total 1.0" in text
    assert "sla_build_info" in text


async def test_health_and_readiness(served):
    """As at Prometheus' own servers."""
    assert (await served.ask("GET", "/-/healthy"))[0] == 200
    assert (await served.ask("GET", "/-/ready"))[0] == 200
    served.missing = "the database is away"
    assert await served.ask("GET", "/-/ready") == (503, "the database is away\n")


async def test_the_start_page_shows_the_open_periods(served, database):
    """Worst first, with names as text."""
    evil = contract(ACME, id="<script>alert(1)</script>")
    standings = [settled(), settled(outage(3, 10, 95), of=evil)]
    await Settlements(database).stand([Standing.of(one, Outlook()) for one in standings])

    status, page = await served.ask("GET", "/")

    assert status == 200
    assert "<script>" not in page
    assert page.index("&lt;script&gt;") < page.index("acme-web")
    assert "99.7871%" in page
    assert "default-src 'none'" in served.headers["Content-Security-Policy"]
    assert served.headers["X-Content-Type-Options"] == "nosniff"
