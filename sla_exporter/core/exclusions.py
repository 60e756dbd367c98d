"""Exclusions as they were stated: by whom, why, when announced, and which contracts they speak of.

Whether one counts is the policy's business (:mod:`sla_exporter.core.policy.exclusions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.matchers import Matcher, all_match
from sla_exporter.core.policy.case import Exclusion, ExclusionKind
from sla_exporter.core.windows import clip, subtract, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sla_exporter.core.catalogue import Contract, Service
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.windows import Window, Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which contracts an exclusion speaks of: those for which everything that is given holds.

    ``contract`` is the id of a contract or of a customer.
    """

    service: str | None = None
    contract: str | None = None
    matchers: tuple[Matcher, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is given, so that every contract would be meant."""
        return self.service is None and self.contract is None and not self.matchers

    def covers(self, contract: Contract, alerts: Sequence[Mapping[str, str]]) -> bool:
        """Say whether a contract is meant.

        Matchers must match all that alerts about the contract may carry: maintenance of one vantage
        point out of three excuses nothing.
        """
        if self.service not in {None, contract.service}:
            return False
        if self.contract not in {None, contract.id, contract.customer.id}:
            return False
        matched = (all_match(self.matchers, labels) for labels in alerts)
        return not self.matchers or (bool(alerts) and all(matched))


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """That an exclusion was taken back; it stays in the records and does not count."""

    who: str
    why: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedExclusion:
    """One window that somebody wants excluded.

    ``key`` names where it stands: ``configuration/3``, ``operator/12`` or ``silence/<id>``; a
    silence that was prolonged is several windows with one key, each announced at its own moment.
    """

    key: str
    scope: Scope
    window: Window
    kind: ExclusionKind = ExclusionKind.MAINTENANCE
    announced_at_ms: int | None = None
    who: str = ""
    why: str
    recorded_at_ms: int | None = None
    withdrawn: Withdrawal | None = None


def for_policy(stated: Iterable[StatedExclusion]) -> tuple[Exclusion, ...]:
    """Give what a policy judges: of the same kind, each moment once, as first announced.

    The same maintenance may be a silence and an operator's entry; it uses up a budget once.
    """
    covered: dict[ExclusionKind, Windows] = {}
    found: list[Exclusion] = []
    for one in sorted(stated, key=_announced):
        before = covered.get(one.kind, ())
        found.extend(
            Exclusion(window=window, kind=one.kind, announced_at_ms=one.announced_at_ms)
            for window in subtract((one.window,), before)
        )
        covered[one.kind] = tidy((*before, one.window))
    return tuple(sorted(found, key=lambda exclusion: exclusion.window))


def _announced(stated: StatedExclusion) -> tuple[bool, int, Window]:
    at_ms = stated.announced_at_ms
    return at_ms is None, at_ms or 0, stated.window


def seen_within(
    series: Iterable[tuple[Mapping[str, str], SeriesState]], known: Window
) -> list[Mapping[str, str]]:
    """Give the labels of the series that said anything in the time that is known.

    A series that was renamed, or removed, is expected for ever and unknown since; maintenance need
    not match it. If none said anything, all are given.
    """
    pairs = list(series)
    seen = [labels for labels, state in pairs if clip(state.unknown, known) != (known,)]
    return seen or [labels for labels, _ in pairs]


def alert_labels(
    service: Service, contract: Contract, series: Iterable[Mapping[str, str]]
) -> list[dict[str, str]]:
    """Give the labels that alerts about a contract carry.

    They are those of its series, and the values that the service's incident matchers ask for.
    """
    own = {m.label: m.value for m in service.incident_matchers if m.operator == "="}
    found = [own | dict(labels) for labels in series]
    if found:
        return found
    own |= {m.label: m.value for m in contract.matchers if m.operator == "="}
    if not contract.matchers and service.contract_label:
        own[service.contract_label] = contract.customer.id
    return [own]
