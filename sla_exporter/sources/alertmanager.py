"""Alertmanager's API, version 2: silences, and alerts that are firing now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import aiohttp
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from sla_exporter.core.incidents import IncidentWindow
from sla_exporter.core.matchers import Matcher
from sla_exporter.core.periods import ms_of
from sla_exporter.core.silences import SilenceVersion
from sla_exporter.errors import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping


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

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 30,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._headers = dict(headers or {})
        self._auth = aiohttp.BasicAuth(*auth) if auth else None

    async def silences(self) -> list[SilenceVersion]:
        """Give every silence there is, ended ones that are still kept among them."""
        body = await self._get("/api/v2/silences")
        try:
            return [silence.version() for silence in _silences.validate_json(body)]
        except ValidationError as error:
            raise self._nonsense("silences", error) from None

    async def firing(self) -> list[IncidentWindow]:
        """Give every alert that is firing now, silenced and inhibited ones among them."""
        body = await self._get("/api/v2/alerts")
        try:
            return [alert.window() for alert in _alerts.validate_json(body)]
        except ValidationError as error:
            raise self._nonsense("alerts", error) from None

    async def _get(self, path: str) -> bytes:
        url = f"{self._url}{path}"
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=self._timeout, headers=self._headers, auth=self._auth
                ) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            said = str(error) or type(error).__name__
            raise SourceUnavailable(f"{url} cannot be reached: {said}") from None
        if response.status != 200:
            said = body[:200].decode(errors="replace").strip()
            raise SourceUnavailable(f"{url} answered {response.status}: {said}")
        return body

    def _nonsense(self, what: str, error: ValidationError) -> SourceUnavailable:
        found: Any = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, found["loc"]))
        return SourceUnavailable(
            f"{self._url} gave {what} that cannot be read: {where}: {found['msg']}"
        )
