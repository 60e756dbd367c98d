"""The sections that say whom we speak to: servers, the database, mail, second opinions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from sla_exporter.core.reasoning import Duration
from sla_exporter.settings.fields import Interval, Length, Section, Sender, Size, TextList, Url


class BasicAuth(Section):
    """User name and password."""

    username: str
    password: str | None = None
    password_file: str | None = None


class HttpModel(Section):
    """What every server that we ask over HTTP may need; its URL stands with each."""

    timeout: Interval = Duration(30_000)
    headers: dict[str, str] = Field(default_factory=dict)
    basic_auth: BasicAuth | None = None
    bearer_token: str | None = None
    bearer_token_file: str | None = None


class PrometheusModel(HttpModel):
    """The server that holds the series."""

    url: Url
    timeout: Interval = Duration(120_000)
    tenant: str | None = None
    retention: Length | None = None
    external_labels: dict[str, str] = Field(default_factory=dict)


class WebhookModel(Section):
    """What Alertmanager must present, and how much it may send at once."""

    bearer_token: str | None = None
    bearer_token_file: str | None = None
    basic_auth: BasicAuth | None = None
    max_body: Size = 32 * 1024**2
    max_rate: int = Field(default=500, ge=1)


class AlertmanagerModel(HttpModel):
    """The Alertmanager that sends us webhooks, and that we ask for silences and alerts."""

    url: Url | None = None
    dropped_labels: TextList = ()
    webhook: WebhookModel = WebhookModel()


class DatabaseModel(Section):
    """Where everything is kept: a file, or a server's URL."""

    path: str | None = None
    url: str | None = None
    url_file: str | None = None

    @model_validator(mode="after")
    def _only_one(self) -> DatabaseModel:
        if self.path and (self.url or self.url_file):
            raise ValueError("give either path or url, not both")
        return self


class MailModel(Section):
    """The SMTP server that takes notices."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = None
    password_file: str | None = None
    sender: Sender = Field(alias="from")
    reply_to: Sender | None = None
    per_hour: int | None = Field(default=None, ge=1)


class MonitorModel(HttpModel):
    """Where somebody else's monitors are; their names by the id of a contract or a customer."""

    url: Url | None = None
    series: str | None = None
    label: str | None = None
    monitors: dict[str, str] = Field(default_factory=dict)


class CorroborateModel(Section):
    """Somebody else who watches the same; exactly one."""

    pingdom: MonitorModel | None = None
    uptime_kuma: MonitorModel | None = None
    uptimerobot: MonitorModel | None = None
    prometheus: MonitorModel | None = None
    tolerance: Length = Duration(5 * 60_000)

    @property
    def given(self) -> list[tuple[str, MonitorModel]]:
        """The kinds that are given."""
        kinds = ("pingdom", "uptime_kuma", "uptimerobot", "prometheus")
        return [(kind, model) for kind in kinds if (model := getattr(self, kind))]

    @model_validator(mode="after")
    def _exactly_one(self) -> CorroborateModel:
        if len(self.given) != 1:
            raise ValueError("give exactly one of pingdom, uptime_kuma, uptimerobot, prometheus")
        return self
