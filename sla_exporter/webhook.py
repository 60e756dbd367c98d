"""Alertmanager's webhook, payload version 4, as a pydantic model.

Keys we do not know are ignored, because newer Alertmanagers add some. Every alert is judged by
itself: one that cannot be read never costs the others. How much there may be in a request is
limited, because a few kilobytes may inflate to millions of alerts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, BeforeValidator, FailFast, Field, ValidationError

from sla_exporter.core.incidents import ToldWindow, fingerprint_of
from sla_exporter.core.periods import ms_of
from sla_exporter.core.texts import UNSTORABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_ALERTS = 100_000
_MOST_VALUES = 4_000_000
_MOST_PROBLEMS = 5  # are said; the others are counted
_MOST_TRUNCATED = 100_000
_HEX = re.compile("[0-9a-f]*")
_UNSTORABLE_ESCAPE = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


class TooManyAlerts(ValueError):
    """There is more in a request than is taken at once."""

    def __init__(self, what: str = "alerts") -> None:
        super().__init__(f"the request holds more than {MOST_ALERTS} {what}")


def _require_texts(pairs: object) -> object:
    """Stop at the first value that is no text: pydantic would note every one of them."""
    for key, value in pairs.items() if isinstance(pairs, dict) else ():
        if not isinstance(value, str):
            raise ValueError(f"{key[:100]!r} is no text")  # noqa: TRY004 - what pydantic catches
    return pairs


_Pairs = Annotated[dict[str, str], BeforeValidator(_require_texts)]


class _Alert(BaseModel):
    status: Literal["firing", "resolved"]
    labels: _Pairs
    annotations: _Pairs = Field(default_factory=dict)
    startsAt: datetime  # noqa: N815 - Alertmanager's name
    endsAt: datetime  # noqa: N815
    fingerprint: str = Field(default="", pattern=r"^([0-9a-f]{16})?$")


class _Envelope(BaseModel):
    version: Literal["4"]
    alerts: Annotated[list[dict[str, Any]], FailFast()]
    truncatedAlerts: int = 0  # noqa: N815
    externalURL: str = ""  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What a request says; ``problems`` are sentences about the first that could not be read."""

    windows: tuple[ToldWindow, ...]
    statuses: tuple[str, ...]
    truncated: int
    sender: str
    problems: tuple[str, ...] = ()
    unreadable: int = 0


class _FastAlert(msgspec.Struct, gc=False):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    startsAt: str  # noqa: N815
    endsAt: str  # noqa: N815
    annotations: dict[str, str] = {}
    fingerprint: str = ""


class _FastEnvelope(msgspec.Struct):
    version: Literal["4"]
    alerts: list[_FastAlert]
    truncatedAlerts: int = 0  # noqa: N815
    externalURL: str = ""  # noqa: N815


_told = partial(tuple.__new__, ToldWindow)  # ToldWindow._make, but for what it counts
_json = msgspec.json.Encoder()
_fast_envelope = msgspec.json.Decoder(_FastEnvelope)


def read_body(body: bytes) -> Webhook:
    """Read a request body: at once if nothing is wrong with it, or else alert by alert.

    Raises:
        ValueError: if it is not a webhook of version 4.
        TooManyAlerts: if there is too much in it.
    """
    return read_at_once(body) or read_carefully(body)


def read_at_once(body: bytes, *, windows: bool = True) -> Webhook | None:
    """Read a request body, or give nothing where anything is wrong with it.

    Without ``windows`` it is looked at all the same, but they need not be written out.

    Raises:
        TooManyAlerts: if there is too much in it.
    """
    try:
        body.decode()  # what is skipped is not looked at by the decoder
        if not _UNSTORABLE_ESCAPE.search(body):
            return _read_fast(_fast_envelope.decode(body), windows=windows)
    except TooManyAlerts:
        raise
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass  # the careful way says what is wrong
    return None


def read_carefully(body: bytes) -> Webhook:
    """Read a request body alert by alert, which may take a second.

    Raises:
        ValueError: if it is not a webhook of version 4.
        TooManyAlerts: if there is too much in it.
    """
    # Each of its values follows one of these, so no more than that has to be made of it.
    if sum(map(body.count, (b"{", b"[", b","))) > _MOST_VALUES:
        raise TooManyAlerts("alerts have values")
    return read_webhook(json.loads(body))


def _read_fast(envelope: _FastEnvelope, *, windows: bool) -> Webhook:
    alerts = envelope.alerts
    if len(alerts) > MOST_ALERTS:
        raise TooManyAlerts
    _require_fingerprints([alert.fingerprint for alert in alerts])
    edges = [_go_edges(alert.status, alert.startsAt, alert.endsAt) for alert in alerts]
    return Webhook(
        windows=_windows(alerts, edges) if windows else (),
        statuses=tuple([alert.status for alert in alerts]),
        truncated=_truncated(envelope.truncatedAlerts),
        sender=envelope.externalURL,
    )


def _windows(
    alerts: Sequence[_FastAlert], edges: Sequence[tuple[int, int | None]]
) -> tuple[ToldWindow, ...]:
    prints = [alert.fingerprint or fingerprint_of(alert.labels) for alert in alerts]
    starts, ends = zip(*edges, strict=True) if edges else ((), ())
    labels = _lines([alert.labels for alert in alerts])
    annotations = _lines([alert.annotations for alert in alerts])
    return tuple(map(_told, zip(prints, starts, ends, labels, annotations, strict=False)))


def _require_fingerprints(said: list[str]) -> None:
    """Look at all of them at once: a pattern for each takes longer than all else of an alert."""
    if not {len(one) for one in said} <= {0, 16} or not _HEX.fullmatch("".join(said)):
        raise ValueError("a fingerprint is none")


def _lines(pairs: Sequence[dict[str, str]]) -> list[str]:
    """Write each as JSON; at once and cut, as that is the quicker way."""
    return _json.encode_lines(pairs).decode().split("\n")


def read_webhook(data: object) -> Webhook:
    """Read a decoded request body.

    Raises:
        ValueError: if it is not a webhook of version 4.
        TooManyAlerts: if there is too much in it.
    """
    try:
        envelope = _Envelope.model_validate(data)
    except ValidationError as error:
        raise ValueError(f"not an Alertmanager webhook of version 4: {_first(error)}") from None
    if len(envelope.alerts) > MOST_ALERTS:
        raise TooManyAlerts
    windows: list[ToldWindow] = []
    statuses: list[str] = []
    problems: list[str] = []
    for index, raw in enumerate(envelope.alerts):
        try:
            alert = _Alert.model_validate(raw)
            _require_storable(alert.labels, alert.annotations)
            windows.append(_window(alert))
            statuses.append(alert.status)
        except ValueError as error:
            if len(problems) < _MOST_PROBLEMS:
                problems.append(f"alert {index}: {_first(error)}")
    return Webhook(
        windows=tuple(windows),
        statuses=tuple(statuses),
        truncated=_truncated(envelope.truncatedAlerts),
        sender=UNSTORABLE.sub("?", envelope.externalURL),
        problems=tuple(problems),
        unreadable=len(envelope.alerts) - len(windows),
    )


def _truncated(said: int) -> int:
    """Take a number that anybody may write for what it can be at most."""
    return min(max(said, 0), _MOST_TRUNCATED)


def _window(alert: _Alert) -> ToldWindow:
    return ToldWindow(
        alert.fingerprint or fingerprint_of(alert.labels),
        *_edges(alert.status, _ms(alert.startsAt), _ms(alert.endsAt)),
        _json.encode(alert.labels).decode(),
        _json.encode(alert.annotations).decode(),
    )


@lru_cache(4096)  # the alerts of a burst share their moments
def _go_edges(status: str, starts_at: str, ends_at: str) -> tuple[int, int | None]:
    """Read moments as Go writes them; whatever else they may be is left to the careful way."""
    for text in (starts_at, ends_at):
        if text[10:11] != "T" or not text.endswith("Z"):
            raise ValueError(f"{text!r} is not written as Go does")
    return _edges(
        status, _ms(datetime.fromisoformat(starts_at)), _ms(datetime.fromisoformat(ends_at))
    )


def _edges(status: str, starts_at_ms: int | None, ends_at_ms: int | None) -> tuple[int, int | None]:
    if starts_at_ms is None:
        raise ValueError("startsAt is not a moment")
    if status == "firing":
        return starts_at_ms, None  # until then it is the year 1 or a guess about the future
    if ends_at_ms is None:
        raise ValueError("endsAt of a resolved alert is not a moment")
    if ends_at_ms < starts_at_ms:
        raise ValueError("endsAt is before startsAt")
    return starts_at_ms, ends_at_ms


def _require_storable(*texts: Mapping[str, str]) -> None:
    """Refuse what no database takes as text: NUL, and halves of a surrogate pair."""
    for pairs in texts:
        for part in (*pairs, *pairs.values()):
            if UNSTORABLE.search(part):
                raise ValueError("a label or annotation holds what is no text")


def _ms(moment: datetime) -> int | None:
    """Give milliseconds, cut from up to nine decimals; ``None`` for Go's zero time."""
    if moment.tzinfo is None:
        raise ValueError("a moment has no time zone")
    return None if moment.year < 1970 else ms_of(moment)


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    found = error.errors(include_url=False, include_input=False)[0]
    return UNSTORABLE.sub("?", f"{'.'.join(map(str, found['loc']))}: {found['msg']}")
