"""TLS by the web config file, spoken with real certificates over a real socket."""

from __future__ import annotations

import asyncio
import socket
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


STRICT = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": "known.crt"}


class Client:
    """Speaks TLS and HTTP by hand, so that it can say which version and which session."""

    def __init__(self, folder: Path, name: str | None = None, **limits: ssl.TLSVersion) -> None:
        self.context = ssl.create_default_context(cafile=str(folder / "server.crt"))
        for limit, version in limits.items():
            setattr(self.context, limit, version)
        if name:
            self.context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        self.session: ssl.SSLSession | None = None

    def status(self, port: int) -> int:
        """Ask once, on a session from before if there is one; 0 if we are not let in."""
        try:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
                self.context.wrap_socket(
                    plain, server_hostname="127.0.0.1", session=self.session
                ) as secure,
            ):
                secure.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                said = secure.recv(1000)
                self.session, self.has_resumed = secure.session, secure.session_reused
        except OSError:
            return 0
        return int(said.split()[1]) if said else 0


@pytest.fixture
async def serving(folder):
    """Serve with a file that says this, and give how to say something else and how to ask."""
    runners = []

    async def serve(**says: object):
        tls = WebTls(written(folder, **says))
        tls.load()
        application = web.Application(middlewares=[tls.middleware])
        application.router.add_get("/", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.context).start()

        def reload(**says: object) -> None:
            written(folder, **says)
            tls.load()

        async def ask(client: Client) -> int:
            return await asyncio.to_thread(client.status, runner.addresses[0][1])

        return reload, ask

    yield serve
    for runner in runners:
        await runner.cleanup()


async def test_a_reload_that_begins_to_ask_for_certificates_is_in_force(folder, serving):
    """And one that no longer does; with and without the newer version of TLS."""
    reload, ask = await serving()
    older = {"maximum_version": ssl.TLSVersion.TLSv1_2}
    assert await ask(Client(folder)) == 200

    reload(**STRICT)

    assert await ask(Client(folder)) == await ask(Client(folder, **older)) == 0
    assert await ask(Client(folder, "stranger")) == 0
    assert await ask(Client(folder, "known")) == await ask(Client(folder, "known", **older)) == 200

    reload()

    assert await ask(Client(folder)) == 200


async def test_a_reload_changes_the_versions_of_tls(folder, serving):
    """The oldest and the newest that are spoken."""
    reload, ask = await serving()
    older = Client(folder, maximum_version=ssl.TLSVersion.TLSv1_2)
    newer = Client(folder, minimum_version=ssl.TLSVersion.TLSv1_3)
    assert await ask(older) == await ask(newer) == 200

    reload(min_version="TLS13")
    assert (await ask(older), await ask(newer)) == (0, 200)

    reload(max_version="TLS12")
    assert (await ask(older), await ask(newer)) == (200, 0)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_no_session_outlives_a_reload(folder, serving, version):
    """Who was known by another CA is not let in by what it was given then."""
    reload, ask = await serving(**STRICT)
    client = Client(folder, "known", maximum_version=version)
    assert await ask(client) == 200
    assert await ask(client) == 200
    assert client.has_resumed

    reload(**STRICT | {"client_ca_file": "stranger.crt"})

    assert await ask(client) == 0
    assert await ask(Client(folder, "stranger")) == 200


@pytest.mark.parametrize("was_spoken", [True, False])
async def test_tls_begins_and_ends_with_a_restart(folder, was_spoken):
    """A socket that listens stays as it is, so the reload fails and what was stays."""
    file = written(folder)
    texts = [file.read_text(), "http_server_config: {headers: {X-Team: sla}}"]
    before, after = texts if was_spoken else reversed(texts)
    file.write_text(before)
    tls = WebTls(file)
    tls.load()
    config, context = tls.config, tls.context

    file.write_text(after)
    with pytest.raises(ConfigInvalid, match="restart"):
        tls.load()

    assert (tls.config, tls.context) == (config, context)
    file.write_text(before)
    tls.load()


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
