"""A secret of the configuration is never shown: not as the configuration, nor by what fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from click.testing import CliRunner

from sla_exporter.app import load
from sla_exporter.cli import main
from sla_exporter.core.urls import unambiguous, without_secrets
from sla_exporter.errors import ConfigInvalid, SourceError
from sla_exporter.settings.masking import shown
from sla_exporter.sources.http import HttpApi
from sla_exporter.sources.prometheus import PrometheusSource

if TYPE_CHECKING:
    from pathlib import Path

NASTY = ["hunt/er2", "hunt@er2", "hunt:er2", "hunt?er2", "hunt#er2", "hunt%40er2", "hunt/1@er2"]
HTTP = [
    ("prometheus",),
    ("alertmanager",),
    ("services", "web", "corroborate", "prometheus"),
    ("billing", "whmcs"),
    ("billing", "webhook"),
    ("billing", "fossbilling"),
    ("billing", "invoiceninja"),
]
"""Sections with the URL of a server that is asked over HTTP."""


@pytest.fixture(autouse=True)
def _its_own_log():
    """What a command configures ends with the test."""
    yield
    structlog.reset_defaults()


def written(folder: Path, at: tuple[str, ...], url: str) -> Path:
    """Write a configuration with this URL in one section."""
    content: dict[str, Any] = {
        "prometheus": {"url": "http://127.0.0.1:1"},
        "services": {"web": {"sli": {"probe": "up"}, "contract_label": "customer"}},
    }
    needed = {
        "whmcs": {"identifier": "i" * 32, "secret": "s" * 32},
        "webhook": {"secret": "whsec_" + "c2VjcmV0" * 4},
        "fossbilling": {"key": "k" * 32},
        "invoiceninja": {"token": "t" * 32, "currency": "EUR"},
    }
    section = content
    for key in at:
        section = section.setdefault(key, {})
    section |= {"url": url} | needed.get(at[-1], {})
    file = folder / "sla-exporter.yml"
    file.write_text(json.dumps(content))
    return file


def told(folder: Path, at: tuple[str, ...], url: str) -> str:
    """Give how the configuration is shown, or why it is refused."""
    try:
        return load(written(folder, at, url)).shown
    except ConfigInvalid as error:
        return str(error)


@pytest.mark.parametrize("password", NASTY)
@pytest.mark.parametrize("at", HTTP, ids=".".join)
def test_no_password_in_a_url_is_shown(tmp_path, at, password):
    """Nor when the URL is none; what could be read in two ways is refused."""
    said = told(tmp_path, at, f"http://sla:{password}@127.0.0.1:1/x")

    is_refused = any(mark in password for mark in "/?#")
    assert ("%2F" in said) is is_refused
    assert is_refused or "http://<secret>@127.0.0.1:1/x" in said
    for part in ("hunt", "er2"):
        assert part not in said
        assert part not in told(tmp_path, at, f"htp://sla:{password}@127.0.0.1:1/x")
        assert part not in told(tmp_path, at, f"sla:{password}@127.0.0.1:1/x")


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+psycopg"])
@pytest.mark.parametrize("password", [*NASTY, "hunt er2"])
def test_no_password_of_the_database_is_shown(tmp_path, password, driver):
    """By a start that fails, or a configuration that does; SQLAlchemy takes all but a second @."""
    url = f"{driver}://sla:{password}@127.0.0.1:1/sla"
    said = told(tmp_path, ("database",), url)
    serve = ["serve", f"--config.file={written(tmp_path, ('database',), url)}"]
    started = CliRunner().invoke(main, serve)

    assert ("%40" in said) is ("@" in password)
    assert started.exit_code == 1
    assert "the database" in started.output or "%40" in started.output
    for part in ("hunt", "er2"):
        assert part not in said + started.output


@pytest.mark.parametrize(
    "url",
    [
        "sla:hunter2@db/sla",
        "postgresql://sla:hunter2@db:port/sla",
        "mysql://sla:hunter2@db/sla",
        "sqlite://sla:hunter2@db/sla",
    ],
)
def test_an_address_that_is_none_is_not_repeated(tmp_path, url):
    """It may be a password that stands in the wrong place."""
    said = told(tmp_path, ("database",), url)

    assert "database" in said
    assert "hunter2" not in said


def test_text_in_the_place_of_a_section_is_not_repeated(tmp_path):
    """It is what belongs inside, as a password does."""
    file = tmp_path / "sla-exporter.yml"
    wrong = {"url": "http://h", "basic_auth": "sla:hunter2", "headers": "X-Key: hunter2"}
    file.write_text(json.dumps({"prometheus": wrong, "services": {}}))

    with pytest.raises(ConfigInvalid) as found:
        load(file)

    assert "basic_auth: must be a mapping, not text" in str(found.value)
    assert "headers: must be a mapping, not text" in str(found.value)
    assert "hunter2" not in str(found.value)


def test_tokens_in_the_query_of_a_url_are_not_shown():
    """Where a receiver takes them so; what else is there stays."""
    text = shown({"url": "https://h.example/hook?api_key=hunter2&to=x&token=hunter2"})

    assert "hunter2" not in text
    assert "https://h.example/hook?api_key=<secret>&to=x&token=<secret>" in text


@pytest.mark.parametrize("password", [one for one in NASTY if not set("/?#") & set(one)])
@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:1", "nowhere.invalid:port"])
async def test_no_query_that_fails_says_a_password(password, host):
    """Whatever the library makes of the URL."""
    url = f"http://scraper:{password}@{host}"
    source = PrometheusSource(url, timeout_s=5)

    for asked in (source.held_from_ms([], None), HttpApi(url, timeout_s=5).get("/api/v2/silences")):
        with pytest.raises(SourceError) as found:
            await asked
        said = str(found.value)
        assert said.startswith(f"http://***@{host}/")
        assert "hunt" not in said
        assert "er2" not in said
    source.close()


@pytest.mark.parametrize(
    "url", ["http://h:9090/p", "https://u:p%2F@h/p?q#f", "http://u:p@p@h", "http://[::1]:9/"]
)
def test_what_is_read_in_one_way_is_taken(url):
    """And masked up to the host."""
    assert unambiguous(url) == url
    assert "p@" not in without_secrets(f"{url} answered 500")
