"""What the server and the program keep to themselves, and whom they keep out."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from ipaddress import ip_network

import aiohttp
import pytest
import structlog
from jinja2.exceptions import SecurityError

from sla_exporter import logs
from sla_exporter.core.settled import Settled
from sla_exporter.notices.render import JinjaRenderer
from sla_exporter.outgoing import guarded_connector, is_allowed
from sla_exporter.settings.masking import shown
from sla_exporter.store.tokens import Tokens
from sla_exporter.web.rates import RateLimit
from tests.audit import holes
from tests.cast import ACME, contract, outage, settled
from tests.web.test_server import BASIC, BEARER, BODY, HOOK, served, stored

__all__ = ["served"]  # the fixture


@pytest.mark.parametrize("access", [BEARER, BASIC])
@pytest.mark.parametrize("given", [b"Bearer \xff\xfe", b"Bearer \xe9", b"Basic \xff", b"\xff"])
async def test_credentials_that_are_no_text_are_wrong(served, access, given):
    """As any other, whatever bytes they are."""
    served.access = access
    asked = f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nAuthorization: ".encode()

    async with served.connected() as (answer, ask):
        ask.write(asked + given + b"\r\n\r\n{}")
        assert await answer.readline() == b"HTTP/1.1 401 Unauthorized\r\n"


async def test_a_token_that_is_no_text_is_unknown(database):
    """Nobody was given it."""
    assert await Tokens(database).known("\udcff") is None


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/nowhere", HOOK])
async def test_every_answer_carries_the_headers(served, path):
    """Errors of the server itself too, and none says what it is built of."""
    await served.ask("GET", path)

    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in served.headers["Content-Security-Policy"]
    assert served.headers["Cache-Control"] == "no-store"
    assert served.headers["Server"] == "sla-exporter"


async def test_a_flood_is_answered_503_and_not_stored(served, database):
    """Alertmanager tries 503 again; what is over the limit costs us nothing."""
    served.access = replace(served.access, max_rate=2)

    answers = [await served.post(json.dumps(BODY)) for _ in range(10)]

    assert set(answers) == {200, 503}
    assert served.headers["Retry-After"] == "1"
    assert (await stored(database))[1] == answers.count(200) < 10
    assert served.counted("unknown", "rate_limited") == answers.count(503)


def test_a_rate_is_for_each_address():
    """One that floods does not keep the others out, and time heals it."""
    now = [0.0]
    limit = RateLimit(seconds=lambda: now[0])

    assert [limit.admits("a", 2) for _ in range(6)] == [True] * 4 + [False] * 2
    assert limit.admits("b", 2)
    now[0] = 1.0
    assert [limit.admits("a", 2) for _ in range(3)] == [True, True, False]


def test_addresses_that_flood_once_are_forgotten():
    """Memory is bounded, however many there are."""
    limit = RateLimit()
    for number in range(11_000):
        limit.admits(str(number), 1)

    assert len(limit._buckets) == 10_000  # noqa: SLF001 - that it is bounded is what is tested


async def test_the_configuration_is_shown_to_whom_we_know(served):
    """Who may send webhooks may see it."""
    served.access = BEARER
    path = "/api/v1/status/config"

    assert (await served.ask("GET", path))[0] == 401
    status, text = await served.ask("GET", path, headers={"Authorization": "Bearer s3cret"})
    assert status == 200
    assert json.loads(text)["status"] == "success"


def test_no_secret_and_no_customer_is_shown():
    """Whatever a secret's key is called, and wherever it stands."""
    text = shown(
        {
            "prometheus": {
                "url": "http://user:hunter2@prometheus:9090",
                "headers": {"X-Scope-OrgID": "hunter2"},
                "bearer_token": "hunter2",
                "bearer_token_file": "prometheus.token",
            },
            "mail": {"password": "hunter2", "host": "mail"},
            "billing": {"stripe": {"api_key": "hunter2", "webhook_secret": "hunter2"}},
            "customers": [{"name": "Acme Ltda", "email": "ops@acme.example"}],
        }
    )

    assert "hunter2" not in text
    assert "Acme" not in text
    assert "acme.example" not in text
    assert "prometheus.token" in text
    assert "host: mail" in text
    assert "1 customers" in text


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1", False), ("10.1.2.3", False), ("169.254.169.254", False), ("::1", False),
        ("::ffff:127.0.0.1", False), ("fe80::1%eth0", False), ("0.0.0.0", False),  # noqa: S104
        ("100.64.0.1", False), ("224.0.0.1", False), ("192.168.7.7", True), ("8.8.8.8", True),
        ("2606:4700::1111", True),
    ],
)  # fmt: skip
def test_private_addresses_are_refused_unless_allowed(address, allowed):
    """However they are written."""
    assert is_allowed(address, [ip_network("192.168.7.0/24")]) is allowed


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_a_guarded_session_does_not_talk_to_ourselves(name):
    """An address, and a name that points to it: nobody is connected to."""
    met = []
    server = await asyncio.start_server(lambda *_: met.append(1), "127.0.0.1", 0)
    url = f"http://{name}:{server.sockets[0].getsockname()[1]}/"

    async with aiohttp.ClientSession(connector=guarded_connector([])) as session:
        with pytest.raises(aiohttp.ClientConnectorError, match="allow_private"):
            await session.get(url)
    server.close()

    assert met == []


@pytest.mark.parametrize(
    "template",
    [
        "{{ notice.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ notice.customer.format.__globals__ }}",
    ],
)
def test_a_template_reaches_nothing_but_its_data(tmp_path, template):
    """An operator's template comes from a folder that others may write to."""
    folder = tmp_path / "notices" / "statement"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text(template)

    with pytest.raises(SecurityError):
        JinjaRenderer("Example", tmp_path).render(Settled.of(settled()), ACME, None)


def test_a_customers_name_is_never_a_template(tmp_path):
    """What stands in data is printed as it is."""
    evil = contract(replace(ACME, name="{{ 7 * 7 }}<script>"))
    of = Settled.of(settled(outage(3, 10, 95), of=evil))
    notice = JinjaRenderer("Example").render(of, evil.customer, None)

    assert "{{ 7 * 7 }}" in notice.text
    assert "<script>" not in notice.html


def test_mail_addresses_stay_out_of_the_log(capsys):
    """Mail servers repeat them in what they answer."""
    logs.configure("info", "logfmt")
    said = "the mail server answered 550 <ops@acme.example>: no such user"
    structlog.get_logger("x").warning("not delivered", error=said, reference="<1a2b@x.example>")

    structlog.reset_defaults()  # its stream ends with this test

    text = capsys.readouterr().err
    assert "ops@" not in text
    assert "acme.example" in text
    assert "1a2b@x.example" in text


@pytest.mark.parametrize("host", ["localhost:9", "prometheus", "db.example/sla", "[::1]"])
def test_logins_stay_out_of_the_log(capsys, host):
    """Of URLs and without one, whatever a library says of them."""
    logs.configure("info", "logfmt")
    said = f"http://scraper:hunt/er2@{host} and (postgresql://sla:hunt@er2@{host}) failed"
    structlog.get_logger("x").warning("job failed", error=said, server=f"hunter2@{host}")

    structlog.reset_defaults()  # its stream ends with this test

    text = capsys.readouterr().err
    assert text.count(f"://***@{host}") == 2
    assert "hunt" not in text
    assert "er2" not in text


def test_the_audit_names_what_it_finds():
    """And tells a report from a failure to get one."""
    report = {
        "dependencies": [
            {"name": "good", "version": "1", "vulns": []},
            {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]},
        ]
    }

    assert holes(json.dumps(report)) == ["bad 2: CVE-1, mended in 3"]
    assert holes("no network") is None
    assert holes('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}') is None
