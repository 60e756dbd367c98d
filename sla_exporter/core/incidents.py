"""Incident windows: what Alertmanager said, alert by alert.

A window is known by fingerprint and ``startsAt``. Its end is the latest ``endsAt`` that any request
gave, so repeats, the twin requests of a high-availability pair and requests out of order change
nothing. An alert that is missing from a later request is not resolved by that. Webhooks are a fast
hint and never the record: measured time decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from sla_exporter.core.catalogue import FAR_FUTURE_MS
from sla_exporter.core.periods import utc_text
from sla_exporter.core.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FNV_OFFSET, _FNV_PRIME = 14695981039346656037, 1099511628211


class Change(StrEnum):
    """What was done to a window beside what webhooks told."""

    ADDED = "added"  # by a person
    FOUND = "found"  # no webhook told of it
    ENDED = "ended"  # it was left open
    EXTENDED = "extended"  # it was cut short
    REOPENED = "reopened"  # it had an end, and is firing
    DISMISSED = "dismissed"  # by a person: a false positive
    RESTORED = "restored"  # by a person: the dismissal was wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentNote:
    """A change, who made it and why; ``ends_at_ms`` is the end that it set."""

    what: Change
    who: str
    why: str
    at_ms: int
    ends_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A change to be made to a window; the window as it will be."""

    window: IncidentWindow
    note: IncidentNote


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentWindow:
    """One firing of one alert; without an end it is still open as far as anyone said.

    ``contract`` is set where a person named it; otherwise the labels tell. ``listed_at_ms`` is when
    Alertmanager last listed it as firing.
    """

    fingerprint: str
    starts_at_ms: int
    ends_at_ms: int | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    contract: str | None = None
    listed_at_ms: int | None = None
    notes: tuple[IncidentNote, ...] = ()

    @property
    def key(self) -> str:
        """How people name it: fingerprint and start."""
        return f"{self.fingerprint}@{utc_text(self.starts_at_ms)}"

    @property
    def is_dismissed(self) -> bool:
        """Say whether a person said that it did not happen."""
        said = [n.what for n in self.notes if n.what in {Change.DISMISSED, Change.RESTORED}]
        return bool(said) and said[-1] is Change.DISMISSED

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels.get("alertname", self.fingerprint)

    @property
    def window(self) -> Window:
        """The time it covers; open ones last for ever."""
        ends_at_ms = FAR_FUTURE_MS if self.ends_at_ms is None else self.ends_at_ms
        return Window(self.starts_at_ms, max(ends_at_ms, self.starts_at_ms + 1))


class ToldWindow(NamedTuple):
    """A window as one request tells of it; labels and annotations are JSON.

    Thousands a second are made and none of them is looked into: a tuple is made in a quarter of the
    time, and texts take a fraction of the memory.
    """

    fingerprint: str
    starts_at_ms: int
    ends_at_ms: int | None
    labels: str
    annotations: str


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Compute Alertmanager's fingerprint: 64-bit FNV-1a over the sorted labels."""
    value = _FNV_OFFSET
    for name, label in sorted(labels.items()):
        for byte in name.encode() + b"\xff" + label.encode() + b"\xff":
            value = ((value ^ byte) * _FNV_PRIME) & 0xFFFF_FFFF_FFFF_FFFF
    return f"{value:016x}"


def latest_end(first: int | None, second: int | None) -> int | None:
    """Join two reports of one end: a known end is kept, and the later one wins."""
    if first is None or second is None:
        return second if first is None else first
    return max(first, second)


def joined(windows: Iterable[ToldWindow]) -> list[ToldWindow]:
    """Make one window of all reports with the same fingerprint and start; ordered by these."""
    found: dict[tuple[str, int], ToldWindow] = {}
    for window in windows:
        key = window[:2]
        known = found.get(key)
        if known is not None:
            ends_at_ms = latest_end(known.ends_at_ms, window.ends_at_ms)
            window = window._replace(ends_at_ms=ends_at_ms)  # noqa: PLW2901 - the joined report
        found[key] = window
    return [found[key] for key in sorted(found)]


def bounded(windows: Iterable[IncidentWindow]) -> list[IncidentWindow]:
    """End what a later firing of the same alert must have ended.

    Alertmanager sends no resolve for an alert that resolves and fires again within one group
    interval; but one alert cannot fire twice at once.
    """
    ordered = sorted(windows, key=lambda window: (window.fingerprint, window.starts_at_ms))
    result: list[IncidentWindow] = []
    for _, firings in groupby(ordered, key=lambda window: window.fingerprint):
        following: int | None = None
        for window in reversed(list(firings)):
            ends_at_ms = following if window.ends_at_ms is None else window.ends_at_ms
            result.append(replace(window, ends_at_ms=ends_at_ms))
            following = window.starts_at_ms
    return sorted(result, key=lambda window: (window.starts_at_ms, window.fingerprint))
