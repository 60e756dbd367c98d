"""Plain GET requests to the APIs that are not PromQL: Alertmanager, rules, monitoring services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from sla_exporter.errors import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answered, whatever its status."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def checked(self) -> bytes:
        """Give the body of a good answer.

        Raises:
            SourceUnavailable: with what the server said instead.
        """
        if self.status != 200:
            said = self.body[:200].decode(errors="replace").strip()
            raise SourceUnavailable(f"{self.url} answered {self.status}: {said}")
        return self.body


class HttpApi:
    """An API below one address; follows no redirect, and waits no longer than it is told."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._headers = dict(headers or {})
        self._auth = aiohttp.BasicAuth(*auth) if auth else None

    async def get(self, path: str, **query: str | int) -> Reply:
        """Ask.

        Raises:
            SourceUnavailable: if the server cannot be reached.
        """
        url = f"{self.url}{path}"
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=self._timeout, headers=self._headers, auth=self._auth
                ) as session,
                session.get(url, params=query, allow_redirects=False) as response,
            ):
                body = await response.read()
                return Reply(url=url, status=response.status, headers=response.headers, body=body)
        except (aiohttp.ClientError, TimeoutError) as error:
            said = str(error) or type(error).__name__
            raise SourceUnavailable(f"{url} cannot be reached: {said}") from None
