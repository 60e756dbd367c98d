"""Incident windows: what Alertmanager said, alert by alert.

A window is known by fingerprint and ``startsAt``. Its end is the latest ``endsAt`` that any request
gave, so repeats, the twin requests of a high-availability pair and requests out of order change
nothing. An alert that is missing from a later request is not resolved by that. Webhooks are a fast
hint and never the record: measured time decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from sla_exporter.core.catalogue import FAR_FUTURE_MS
from sla_exporter.core.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FNV_OFFSET, _FNV_PRIME = 14695981039346656037, 1099511628211


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentWindow:
    """One firing of one alert; without an end it is still open as far as anyone said."""

    fingerprint: str
    starts_at_ms: int
    ends_at_ms: int | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels.get("alertname", self.fingerprint)

    @property
    def window(self) -> Window:
        """The time it covers; open ones last for ever."""
        ends_at_ms = FAR_FUTURE_MS if self.ends_at_ms is None else self.ends_at_ms
        return Window(self.starts_at_ms, max(ends_at_ms, self.starts_at_ms + 1))


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


def joined(windows: Iterable[IncidentWindow]) -> list[IncidentWindow]:
    """Make one window of all reports with the same fingerprint and start."""
    found: dict[tuple[str, int], IncidentWindow] = {}
    for window in windows:
        key = (window.fingerprint, window.starts_at_ms)
        if key in found:
            ends_at_ms = latest_end(found[key].ends_at_ms, window.ends_at_ms)
            window = replace(window, ends_at_ms=ends_at_ms)  # noqa: PLW2901 - the joined report
        found[key] = window
    return list(found.values())


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
