"""TLS by the web config file, spoken with real certificates over a real socket."""

from __future__ import annotations

import ssl
import subprocess
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.web_config import load_web_config
from sla_exporter.web.tls import WebTls

if TYPE_CHECKING:
    from pathlib import Path

SAN = "subjectAltName=DNS:{name},IP:127.0.0.1"


VERIFIES_BY_NOTHING = """
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
"""


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def certificate(folder: Path, name: str) -> None:
    """Write ``name.crt`` and ``name.key``, signed by itself."""
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", f"/CN={name}", "-addext", SAN.format(name=name),
        "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A server's certificate, and those of two clients, one of whom is known."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("server", "known", "stranger"):
        certificate(folder, name)
    return folder


def written(folder: Path, **tls: object) -> Path:
    lines = [f"  {key}: {value}" for key, value in tls.items()]
    file = folder / "web.yml"
    file.write_text(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n" + "\n".join(lines)
    )
    return file


async def answer(_request: web.Request) -> web.Response:
    return web.Response()


@pytest.fixture
async def asked():
    """Serve with a web config file, and ask with a client's certificate."""
    runners = []

    async def ask(tls: WebTls, folder: Path, client: str | None = None, port: int = 0) -> int:
        if not port:
            application = web.Application(middlewares=[tls.middleware])
            application.router.add_get("/", answer)
            runner = web.AppRunner(application)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.context).start()
            runners.append(runner)
        port = runners[-1].addresses[0][1]
        trust = ssl.create_default_context(cafile=str(folder / "server.crt"))
        if client:
            trust.load_cert_chain(folder / f"{client}.crt", folder / f"{client}.key")
        connector = aiohttp.TCPConnector(ssl=trust, force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"https://127.0.0.1:{port}/") as response,
        ):
            return response.status

    yield ask
    for runner in runners:
        await runner.cleanup()


async def test_tls_is_spoken(asked, folder):
    """With the certificate of the file, which is relative to it."""
    tls = WebTls(written(folder))
    tls.load()

    assert await asked(tls, folder) == 200


async def test_only_known_clients_are_let_in(asked, folder):
    """A client without a certificate, or with one that nobody signed, gets no answer at all."""
    tls = WebTls(
        written(folder, client_auth_type="RequireAndVerifyClientCert", client_ca_file="known.crt")
    )
    tls.load()

    assert await asked(tls, folder, "known") == 200
    for client in (None, "stranger"):
        with pytest.raises(aiohttp.ClientError):
            await asked(tls, folder, client)


async def test_a_known_client_needs_an_allowed_name(asked, folder):
    """A certificate authority may sign for others too."""
    strict = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "known.crt"}
    allowed = WebTls(written(folder, **strict, client_allowed_sans="[known]"))
    allowed.load()
    assert await asked(allowed, folder, "known") == 200

    other = WebTls(written(folder, **strict, client_allowed_sans="[alertmanager]"))
    other.load()
    assert await asked(other, folder, "known") == 403


async def test_a_reload_takes_the_new_certificate(asked, folder, tmp_path):
    """Without a restart, as certificates live for weeks."""
    for name in ("server", "known"):
        certificate(tmp_path, name)
    tls = WebTls(written(tmp_path))
    tls.load()
    assert await asked(tls, tmp_path) == 200

    certificate(tmp_path, "server")
    tls.load()

    assert await asked(tls, tmp_path, port=1) == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tls_server_config: {cert_file: server.crt}", "key_file"),
        ("tls_server_config: {cert_file: a.crt, key_file: server.key}", "no file a.crt"),
        ("tls_server_config: {cert_file: server.crt, key_file: known.key}", "bad"),
        (VERIFIES_BY_NOTHING, "needs a client_ca_file"),
        ("basic_auth_users: {a: b}", "not supported"),
        ("tls_config: {}", "tls_config"),
    ],
)
def test_what_is_wrong_is_said(folder, text, said):
    """Before the server listens."""
    (folder / "bad.yml").write_text(text)

    with pytest.raises(ConfigInvalid, match=said):
        WebTls(folder / "bad.yml").load()


def test_headers_may_be_added(tmp_path):
    """Such as HSTS, which only who runs the server can promise."""
    (tmp_path / "web.yml").write_text("http_server_config: {headers: {X-Team: sla}}")

    assert load_web_config(tmp_path / "web.yml").http_server_config.headers == {"X-Team": "sla"}
