"""Repairs: incident windows that webhooks lost, cut short or left open.

``ALERTS`` in Prometheus has one sample at every evaluation while an alert fires. The first sample's
time is the webhook's ``startsAt`` to the millisecond, the last one's plus an evaluation interval is
its ``endsAt``, and its labels, relabelled as Prometheus does on the way to Alertmanager, give the
same fingerprint.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from sla_exporter.core.incidents import (
    Amendment,
    Change,
    IncidentNote,
    IncidentWindow,
    fingerprint_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

WHO = "sla-exporter"
GRACE_MS = 10 * 60_000  # group_wait and group_interval pass before a webhook is late
_REMEMBERED_MS = 5 * 60_000  # Alertmanager resolves by itself what it has not heard of so long
_USUAL_INTERVAL_MS = 60_000
_FEW = 2  # samples: their only spacing may lie between two firings


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelling:
    """What happens to an alert's labels between its rule and Alertmanager."""

    added: Mapping[str, str] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()

    def apply(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Give the labels that Alertmanager sees; an alert's own go before external ones."""
        merged = {**self.added, **labels}
        hidden = self.dropped | {"__name__", "alertstate"}
        return {k: v for k, v in merged.items() if k not in hidden}


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One firing as Prometheus knows it, and how exact its edges are."""

    window: IncidentWindow
    interval_ms: int


def interval_of(series: Iterable[Sequence[int]], usual_ms: int = _USUAL_INTERVAL_MS) -> int:
    """Infer the evaluation interval: the commonest spacing of samples, or else the usual one.

    Of several that are as common the shortest counts: longer ones lie between firings.
    """
    spacing = Counter(b - a for moments in series for a, b in pairwise(moments))
    return max(spacing, key=lambda ms: (spacing[ms], -ms), default=usual_ms)


def intervals_of(alerts: Sequence[tuple[str, Sequence[int]]]) -> list[int]:
    """Infer the interval of each of these series, which have the name of an alert and samples.

    A series with two samples says little by itself, so others of the same alert are asked then.
    """
    usual_ms = interval_of(moments for _, moments in alerts)
    by_name: dict[str, list[Sequence[int]]] = {}
    for name, moments in alerts:
        by_name.setdefault(name, []).append(moments)
    return [
        interval_of([moments] if len(moments) > _FEW else by_name[name], usual_ms)
        for name, moments in alerts
    ]


def firings_of(
    labels: Mapping[str, str], moments: Sequence[int], interval_ms: int, until_ms: int
) -> Iterator[Firing]:
    """Give the firings in the samples of an alert; one that goes on at the end has no end."""
    longest_gap_ms = interval_ms * 5 // 2
    start = previous = None
    for at in (*moments, None):
        if start is None or previous is None:
            start = previous = at
            continue
        if at is not None and at - previous <= longest_gap_ms:
            previous = at
            continue
        is_open = at is None and until_ms - previous <= longest_gap_ms
        window = IncidentWindow(
            fingerprint=fingerprint_of(labels),
            starts_at_ms=start,
            ends_at_ms=None if is_open else previous + interval_ms,
            labels=labels,
        )
        yield Firing(window=window, interval_ms=interval_ms)
        start = previous = at


def by_series(
    known: Sequence[IncidentWindow], seen: Iterable[Firing], now_ms: int
) -> Iterator[Amendment]:
    """Compare what is known with the firings in Prometheus.

    A firing that ended only now, or began so, is left alone: its webhook may be on its way.
    """
    held: dict[str, dict[int, IncidentWindow]] = {}
    for window in known:
        held.setdefault(window.fingerprint, {})[window.starts_at_ms] = window
    for firing in seen:
        windows = held.setdefault(firing.window.fingerprint, {})
        found = _amended(_match(windows.values(), firing), firing, now_ms)
        if found:
            windows[found.window.starts_at_ms] = found.window
            yield found


def _match(known: Iterable[IncidentWindow], firing: Firing) -> IncidentWindow | None:
    """Find the window that a firing belongs to: the same start, or one that goes on beyond it.

    Prometheus forgets for a moment when it restarts, and for good what is too old; Alertmanager
    does not.
    """
    around: list[IncidentWindow] = []
    for window in known:
        if abs(window.starts_at_ms - firing.window.starts_at_ms) <= firing.interval_ms:
            return window
        if window.starts_at_ms < firing.window.starts_at_ms and _goes_on(window, firing):
            around.append(window)
    return max(around, key=lambda window: window.starts_at_ms, default=None)


def _goes_on(window: IncidentWindow, firing: Firing) -> bool:
    """Say whether a window that began before a firing was still open when that began.

    An open one may have been forgotten long ago, unless Alertmanager listed it since, or both go on
    until now.
    """
    start = firing.window.starts_at_ms
    if window.ends_at_ms is not None:
        return start < window.ends_at_ms
    is_listed = window.listed_at_ms is not None and window.listed_at_ms >= start
    return is_listed or firing.window.ends_at_ms is None


def _amended(held: IncidentWindow | None, firing: Firing, now_ms: int) -> Amendment | None:
    end = firing.window.ends_at_ms
    if held is None:
        if firing.window.starts_at_ms > now_ms - GRACE_MS:
            return None
        why = "no webhook told of it; found in the ALERTS series of Prometheus"
        return _amendment(firing.window, Change.FOUND, why, now_ms)
    if end is None:
        return _reopened(held, now_ms)
    if end > now_ms - GRACE_MS or end <= held.starts_at_ms:
        return None
    ended = replace(held, ends_at_ms=end)
    if held.ends_at_ms is None:
        if held.listed_at_ms is not None and held.listed_at_ms > end + _REMEMBERED_MS:
            return None  # Prometheus was restarted, and it goes on
        why = "no webhook told of its end; the ALERTS series of Prometheus ends then"
        return _amendment(ended, Change.ENDED, why, now_ms)
    if held.ends_at_ms + firing.interval_ms < end:
        why = "webhooks ended it too early; the ALERTS series of Prometheus goes on until then"
        return _amendment(ended, Change.EXTENDED, why, now_ms)
    return None


def _reopened(held: IncidentWindow, now_ms: int) -> Amendment | None:
    """Open a window whose alert fires on; one that Alertmanager lists is opened and ended by it."""
    if held.ends_at_ms is None or held.ends_at_ms > now_ms - GRACE_MS or held.listed_at_ms:
        return None
    why = "webhooks ended it; the ALERTS series of Prometheus goes on"
    return _amendment(replace(held, ends_at_ms=None), Change.REOPENED, why, now_ms)


def by_list(
    known: Sequence[IncidentWindow], listed: Sequence[IncidentWindow], now_ms: int
) -> Iterator[Amendment]:
    """Compare what is known with what Alertmanager lists as firing now.

    Only a window that it listed before is ended because it lists it no more: others may have come
    from another Alertmanager.
    """
    current = {(w.fingerprint, w.starts_at_ms): w for w in known}
    firing = {(w.fingerprint, w.starts_at_ms) for w in listed}
    for window in listed:
        held = current.get((window.fingerprint, window.starts_at_ms))
        if held is None and window.starts_at_ms <= now_ms - GRACE_MS:
            why = "no webhook told of it; Alertmanager lists it as firing"
            yield _amendment(window, Change.FOUND, why, now_ms)
        elif held and held.ends_at_ms is not None and held.ends_at_ms <= now_ms - GRACE_MS:
            why = "webhooks told of its end; Alertmanager lists it as firing again"
            yield _amendment(replace(held, ends_at_ms=None), Change.REOPENED, why, now_ms)
    for key, held in current.items():
        last = held.listed_at_ms
        is_gone = last is not None and last <= now_ms - GRACE_MS
        if held.ends_at_ms is None and key not in firing and is_gone and last is not None:
            why = "no webhook told of its end; it ends when Alertmanager last listed it as firing"
            ended = replace(held, ends_at_ms=max(last, held.starts_at_ms + 1))
            yield _amendment(ended, Change.ENDED, why, now_ms)


def _amendment(window: IncidentWindow, what: Change, why: str, now_ms: int) -> Amendment:
    note = IncidentNote(what=what, who=WHO, why=why, at_ms=now_ms, ends_at_ms=window.ends_at_ms)
    return Amendment(window=window, note=note)
