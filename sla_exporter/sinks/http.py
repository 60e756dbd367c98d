"""Requests to billing systems, with every failure put into one of the three kinds.

Reading changes nothing, so whatever goes wrong there is tried again. On a write the question is
whether the other side may have acted: not if it could not be reached or said no; it may have if the
connection broke, the answer took too long or made no sense, or it said 5xx.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp

from sla_exporter import __version__
from sla_exporter.core.urls import without_secrets
from sla_exporter.errors import DeliveryDelayed, DeliveryError, OutcomeUnknown
from sla_exporter.outgoing import guarded_connector

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sla_exporter.outgoing import Network

TIMEOUT_S = 30.0
LARGEST_ANSWER = 16 << 20
_MAY_STAND = "; the credit may have been entered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; ``content`` is the JSON, or ``None`` where it was none."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(repr=False)

    @property
    def retry_after_ms(self) -> int | None:
        """How long the other side wants us to wait, where it says so in seconds."""
        seconds = self.headers.get("Retry-After", "")
        return int(seconds) * 1000 if seconds.isdecimal() and len(seconds) < 7 else None


@dataclass(slots=True, kw_only=True)
class Caller:
    """Talks to one billing system; connects when it first has to, and to no private address."""

    who: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_private: Sequence[Network] = ()
    timeout_s: float = TIMEOUT_S
    _session: aiohttp.ClientSession | None = field(default=None, repr=False)

    async def read(self, method: str, url: str, **what: Any) -> Answer:
        """Make a request that changes nothing."""
        status, headers, body = await self._request(method, url, writes=False, **what)
        return self._checked(status, headers, body, writes=False)

    async def write(
        self, url: str, *, needs_json: bool = True, lets_through: Collection[int] = (), **what: Any
    ) -> Answer:
        """Make a POST request that enters something.

        Without ``needs_json`` an answer may be anything; statuses in ``lets_through`` are left to
        the caller.
        """
        status, headers, body = await self._request("POST", url, writes=True, **what)
        if status in lets_through or (200 <= status < 300 and not needs_json):
            return Answer(status=status, content=_json(body), headers=headers)
        return self._checked(status, headers, body, writes=True)

    def trouble(self, said: str, *, writes: bool) -> DeliveryError:
        """Give the error for an answer that leaves open what happened over there."""
        if writes:
            return OutcomeUnknown(f"{self.who} {said}{_MAY_STAND}")
        return DeliveryDelayed(f"{self.who} {said}")

    async def close(self) -> None:
        """Give the connections back."""
        if self._session:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=guarded_connector(self.allow_private),
                headers={"User-Agent": f"sla-exporter/{__version__}", **self.headers},
                timeout=aiohttp.ClientTimeout(total=self.timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def _request(
        self, method: str, url: str, *, writes: bool, **what: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        try:
            async with self._open().request(method, url, allow_redirects=False, **what) as answer:
                body = bytearray()
                async for chunk in answer.content.iter_any():
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise self.trouble("answered without an end", writes=writes)
                return answer.status, answer.headers, bytes(body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise DeliveryDelayed(f"{self.who} cannot be reached: {_reason(error)}") from error
        except aiohttp.InvalidURL as error:
            said = without_secrets(str(error))
            raise DeliveryDelayed(f"{self.who} has a url that is none: {said}") from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self.trouble(_what_broke(error), writes=writes) from error

    def _checked(
        self, status: int, headers: Mapping[str, str], body: bytes, *, writes: bool
    ) -> Answer:
        answer = Answer(status=status, content=_json(body), headers=headers)
        if status == 429:
            raise DeliveryDelayed(f"{self.who} says: too many requests", answer.retry_after_ms)
        if 300 <= status < 400:
            to = headers.get("Location", "elsewhere")
            raise DeliveryDelayed(f"{self.who} redirects to {to}; give that as its url")
        if status >= 500:
            raise self.trouble(f"failed with HTTP {status}", writes=writes)
        if answer.content is None and status < 400:
            said = f"answered HTTP {status} with something that is not JSON"
            raise self.trouble(said, writes=writes)
        return answer


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _what_broke(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "did not answer in time"
    return f"broke the connection off ({type(error).__name__})"
