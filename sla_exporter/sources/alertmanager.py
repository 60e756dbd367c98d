"""Alertmanager's API, version 2: silences, and alerts that are firing now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.periods import ms_of
from sla_exporter.core.silences import SilenceVersion
from sla_exporter.errors import SourceUnavailable

if TYPE_CHECKING:
    from sla_exporter.sources.http import HttpApi


class _Matcher(BaseModel):
    name: str
    value: str
    isRegex: bool = False  # noqa: N815 - Alertmanager's name
    isEqual: bool = True  # noqa: N815

    def parsed(self) -> Matcher:
        operator = ("=~" if self.isEqual else "!~") if self.isRegex else "=" * self.isEqual or "!="
        return Matcher(self.name, operator, self.value)


class _Silence(BaseModel):
    id: str
    updatedAt: datetime  # noqa: N815
    startsAt: datetime  # noqa: N815
    endsAt: datetime  # noqa: N815
    matchers: tuple[_Matcher, ...]
    createdBy: str = ""  # noqa: N815
    comment: str = ""

    def version(self) -> SilenceVersion:
        return SilenceVersion(
            id=self.id,
            updated_at_ms=ms_of(self.updatedAt),
            starts_at_ms=ms_of(self.startsAt),
            ends_at_ms=ms_of(self.endsAt),
            matchers=tuple(matcher.parsed() for matcher in self.matchers),
            created_by=self.createdBy,
            comment=self.comment,
        )


class _Alert(BaseModel):
    fingerprint: str
    startsAt: datetime  # noqa: N815
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)

    def window(self) -> IncidentWindow:
        return IncidentWindow(
            fingerprint=self.fingerprint,
            starts_at_ms=ms_of(self.startsAt),
            ends_at_ms=None,
            labels=self.labels,
            annotations=self.annotations,
        )


_silences = TypeAdapter(list[_Silence])
_alerts = TypeAdapter(list[_Alert])


class Alertmanager:
    """One Alertmanager; of a pair either will do, because they tell each other."""

    def __init__(self, api: HttpApi) -> None:
        self._api = api

    async def silences(self) -> list[SilenceVersion]:
        """Give every silence there is, ended ones that are still kept among them."""
        body = (await self._api.get("/api/v2/silences")).checked()
        try:
            return [silence.version() for silence in _silences.validate_json(body)]
        except ValidationError as error:
            raise self._nonsense("silences", error) from None

    async def firing(self) -> list[IncidentWindow]:
        """Give every alert that is firing now, silenced and inhibited ones among them."""
        body = (await self._api.get("/api/v2/alerts")).checked()
        try:
            return [alert.window() for alert in _alerts.validate_json(body)]
        except ValidationError as error:
            raise self._nonsense("alerts", error) from None

    def _nonsense(self, what: str, error: ValidationError) -> SourceUnavailable:
        found: Any = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, found["loc"]))
        return SourceUnavailable(
            f"{self._api.url} gave {what} that cannot be read: {where}: {found['msg']}"
        )
