"""The web config file: TLS for our server, in the notation of Prometheus' exporter toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from sla_exporter.core.problems import Problem
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.document import read_file
from sla_exporter.settings.fields import Section
from sla_exporter.settings.sentences import problems_of

if TYPE_CHECKING:
    from pathlib import Path

ClientAuth = Literal[
    "NoClientCert", "RequestClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
]
TlsVersion = Literal["TLS12", "TLS13"]


class TlsServer(Section):
    """The server's certificate, and what it asks of its clients; paths are beside the file."""

    cert_file: str
    key_file: str
    client_auth_type: ClientAuth = "NoClientCert"
    client_ca_file: str | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion = "TLS13"


class HttpServer(Section):
    """Headers that are added to every answer."""

    headers: dict[str, str] = Field(default_factory=dict)


class WebConfig(Section):
    """The whole file."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = HttpServer()


def load_web_config(path: Path) -> WebConfig:
    """Read the file.

    Raises:
        ConfigInvalid: with everything that is wrong in it.
    """
    document = read_file(path)
    if document.key_at(("basic_auth_users",)) is not None:
        said = "basic_auth_users is not supported: what clients present is said in the main file"
        raise ConfigInvalid([document.problem(("basic_auth_users",), said)])
    try:
        config = WebConfig.model_validate(document.value or {})
    except ValidationError as error:
        raise ConfigInvalid(problems_of(error, document, WebConfig)) from None
    problems = [*document.problems, *_contradictions(config, path)]
    if problems:
        raise ConfigInvalid(problems)
    return config


def _contradictions(config: WebConfig, path: Path) -> list[Problem]:
    tls = config.tls_server_config
    if tls is None:
        return []
    place = read_file(path).place(("tls_server_config",))
    verifies = tls.client_auth_type in {"VerifyClientCertIfGiven", "RequireAndVerifyClientCert"}
    problems = []
    if verifies and not tls.client_ca_file:
        problems.append(Problem(place, f"{tls.client_auth_type} needs a client_ca_file"))
    if tls.client_allowed_sans and tls.client_auth_type != "RequireAndVerifyClientCert":
        problems.append(Problem(place, "client_allowed_sans needs RequireAndVerifyClientCert"))
    return problems
