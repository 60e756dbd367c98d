"""From the sections that say whom we speak to, to what the adapters need: with secrets read."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from sla_exporter.settings.config import (
    AlertmanagerAccess,
    MailAccess,
    OpinionAccess,
    PrometheusAccess,
    WebhookAccess,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from pydantic import BaseModel

    from sla_exporter.core.problems import Problem
    from sla_exporter.settings.connections import (
        AlertmanagerModel,
        BasicAuth,
        CorroborateModel,
        DatabaseModel,
        HttpModel,
        MailModel,
        MonitorModel,
        PrometheusModel,
        WebhookModel,
    )
    from sla_exporter.settings.document import Document, Key

_PSYCOPG = "postgresql+psycopg"


@dataclass(slots=True)
class AccessReader:
    """Reads access of all kinds, and adds what is wrong with it to ``problems``."""

    path: Path
    document: Document
    problems: list[Problem]

    def prometheus(self, model: PrometheusModel) -> PrometheusAccess:
        """Give access to Prometheus."""
        at = ("prometheus",)
        tenant = {"X-Scope-OrgID": model.tenant} if model.tenant else {}
        return PrometheusAccess(
            url=model.url,
            timeout_s=model.timeout.ms / 1000,
            headers=tenant | self._headers(model, at),
            auth=self._basic_auth(model.basic_auth, (*at, "basic_auth")),
            retention_ms=model.retention.ms if model.retention else None,
        )

    def alertmanager(self, model: AlertmanagerModel) -> AlertmanagerAccess | None:
        """Give access to Alertmanager, if its URL is known."""
        at = ("alertmanager",)
        if model.url is None:
            return None
        return AlertmanagerAccess(
            url=model.url,
            timeout_s=model.timeout.ms / 1000,
            headers=self._headers(model, at),
            auth=self._basic_auth(model.basic_auth, (*at, "basic_auth")),
        )

    def _headers(self, model: HttpModel, at: Sequence[Key]) -> dict[str, str]:
        token = self.secret(model, "bearer_token", at)
        return model.headers | ({"Authorization": f"Bearer {token}"} if token else {})

    def opinion(
        self, model: CorroborateModel, at: Sequence[Key], known: AbstractSet[str]
    ) -> OpinionAccess:
        """Give access to a second opinion; ``known`` are the contracts and customers there are."""
        ((kind, source),) = model.given
        at = (*at, kind)
        for name in sorted(source.monitors.keys() - known):
            message = f"monitors: there is no contract and no customer {name!r}"
            self.problems.append(self.document.problem((*at, "monitors", name), message))
        for missing in _missing_keys(kind, source):
            self.problems.append(self.document.problem(at, f"the key {missing!r} is missing"))
        return OpinionAccess(
            kind=kind,
            tolerance_ms=model.tolerance.ms,
            url=source.url,
            timeout_s=source.timeout.ms / 1000,
            monitors=source.monitors,
            series=source.series,
            label=source.label,
            headers=self._headers(source, at),
            auth=self._basic_auth(source.basic_auth, (*at, "basic_auth")),
        )

    def webhook(self, model: WebhookModel) -> WebhookAccess:
        """Say what Alertmanager must present to us."""
        at = ("alertmanager", "webhook")
        return WebhookAccess(
            bearer_token=self.secret(model, "bearer_token", at),
            basic_auth=self._basic_auth(model.basic_auth, (*at, "basic_auth")),
            max_body=model.max_body,
            max_rate=model.max_rate,
        )

    def mail(self, model: MailModel) -> MailAccess:
        """Give access to the mail server."""
        return MailAccess(
            host=model.host,
            port=model.port,
            security=model.security,
            username=model.username,
            password=self.secret(model, "password", ("mail",)),
            sender=model.sender,
            reply_to=model.reply_to,
            per_hour=model.per_hour,
        )

    def database_url(self, model: DatabaseModel) -> str:
        """Give the URL of the database, with its asynchronous driver."""
        url = self.secret(model, "url", ("database",))
        if not url:
            return f"sqlite+aiosqlite:///{beside(self.path, model.path or 'sla-exporter.db')}"
        scheme, separator, rest = url.partition("://")
        if not separator:
            self._bad_url("a database is sqlite:// or postgresql://")
            return ""
        drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
        if scheme not in {*drivers, *drivers.values(), _PSYCOPG}:
            self._bad_url(f"a database is sqlite:// or postgresql://, not {scheme}://")
        if scheme == _PSYCOPG and find_spec("psycopg") is None:
            self._bad_url(
                f"{scheme}:// needs a package that is not installed; "
                "pip install 'sla-exporter[psycopg]' brings it, and postgresql:// does without"
            )
        found = f"{drivers.get(scheme, scheme)}://{rest}"
        if not _is_readable(found):
            self._bad_url("it is no address of a database; write @ in a password as %40")
        return found

    def _bad_url(self, reason: str) -> None:
        self.problems.append(self.document.problem(("database", "url"), f"url: {reason}"))

    def _basic_auth(self, model: BasicAuth | None, at: Sequence[Key]) -> tuple[str, str] | None:
        if model is None:
            return None
        return model.username, self.secret(model, "password", at, required=True) or ""

    def secret(
        self, model: BaseModel, name: str, at: Sequence[Key], *, required: bool = False
    ) -> str | None:
        """Give a secret from its key or from the file that its ``*_file`` key names."""
        given, file = getattr(model, name), getattr(model, f"{name}_file")
        if given is not None and file is not None:
            message = f"give either {name} or {name}_file, not both"
            self.problems.append(self.document.problem((*at, name), message))
        if file is not None:
            return self.read_secret(file, (*at, f"{name}_file"))
        if given is None and required:
            message = f"{name} or {name}_file is missing"
            self.problems.append(self.document.problem(at, message))
        return given  # type: ignore[no-any-return]

    def read_secret(self, file: str, at: Sequence[Key]) -> str | None:
        """Give what a file with a secret holds."""
        try:
            secret = beside(self.path, file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            message = f"{at[-1]}: {file} cannot be read: {reason}"
            self.problems.append(self.document.problem(at, message))
            return None
        if not secret:
            self.problems.append(self.document.problem(at, f"{at[-1]}: {file} is empty"))
        return secret


def beside(file: Path, name: str) -> Path:
    """Take a relative path as relative to the configuration file."""
    return (file.parent / name).absolute()


def _is_readable(url: str) -> bool:
    """Say whether a database's URL is read as it is meant; a second ``@`` would be in the host."""
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        return False
    is_file = found.get_backend_name() == "sqlite"
    return url.count("@") <= 1 and not (is_file and found.host)


def _missing_keys(kind: str, source: MonitorModel) -> list[str]:
    """Give the keys that this kind of second opinion cannot do without."""
    if kind == "prometheus":
        return [] if source.url else ["url"]
    if kind != "pingdom":
        return []
    has_token = source.bearer_token or source.bearer_token_file
    return ([] if has_token else ["bearer_token"]) + ([] if source.monitors else ["monitors"])
