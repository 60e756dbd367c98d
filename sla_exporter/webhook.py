"""Alertmanager's webhook, payload version 4, as a pydantic model.

Keys we do not know are ignored, because newer Alertmanagers add some. Every alert is judged by
itself: one that cannot be read never costs the others.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from pydantic import BaseModel, Field, ValidationError

from sla_exporter.core.incidents import ToldWindow, fingerprint_of
from sla_exporter.core.periods import ms_of
from sla_exporter.core.texts import UNSTORABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_TRUNCATED = 100_000
_HEX = re.compile("[0-9a-f]*")
_UNSTORABLE_ESCAPE = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


class _Alert(BaseModel):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    startsAt: datetime  # noqa: N815 - Alertmanager's name
    endsAt: datetime  # noqa: N815
    fingerprint: str = Field(default="", pattern=r"^([0-9a-f]{16})?$")


class _Envelope(BaseModel):
    version: Literal["4"]
    alerts: list[dict[str, Any]]
    truncatedAlerts: int = 0  # noqa: N815
    externalURL: str = ""  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What a request says; ``problems`` are sentences about alerts that could not be read."""

    windows: tuple[ToldWindow, ...]
    statuses: tuple[str, ...]
    truncated: int
    sender: str
    problems: tuple[str, ...] = ()


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


def read_body(body: bytes, *, windows: bool = True) -> Webhook:
    """Read a request body: at once if nothing is wrong with it, or else alert by alert.

    Without ``windows`` it is looked at all the same, but they need not be written out.

    Raises:
        ValueError: if it is not a webhook of version 4.
    """
    try:
        body.decode()  # what is skipped is not looked at by the decoder
        if not _UNSTORABLE_ESCAPE.search(body):
            return _read_fast(_fast_envelope.decode(body), windows=windows)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass  # the careful way says what is wrong
    return read_webhook(json.loads(body))


def _read_fast(envelope: _FastEnvelope, *, windows: bool) -> Webhook:
    alerts = envelope.alerts
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
    """
    try:
        envelope = _Envelope.model_validate(data)
    except ValidationError as error:
        raise ValueError(f"not an Alertmanager webhook of version 4: {_first(error)}") from None
    windows: list[ToldWindow] = []
    statuses: list[str] = []
    problems: list[str] = []
    for index, raw in enumerate(envelope.alerts):
        try:
            alert = _Alert.model_validate(raw)
            _require_storable(alert.labels, alert.annotations)
            windows.append(_window(alert))
            statuses.append(alert.status)
        except ValidationError as error:
            problems.append(f"alert {index}: {_first(error)}")
        except ValueError as error:
            problems.append(f"alert {index}: {error}")
    return Webhook(
        windows=tuple(windows),
        statuses=tuple(statuses),
        truncated=_truncated(envelope.truncatedAlerts),
        sender=UNSTORABLE.sub("?", envelope.externalURL),
        problems=tuple(problems),
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


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return UNSTORABLE.sub("?", f"{'.'.join(map(str, found['loc']))}: {found['msg']}")
