"""Alertmanager's silences as maintenance.

Silences are no record by themselves: an edit overwrites them, and they vanish some days after their
end. So every version is kept as it was seen, and what was announced when is read from the versions:
a silence that is prolonged announces the new part when it is prolonged, one that is expired early
ends there, and one that is moved before it begins keeps its id and only the time that both have.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sla_exporter.core.exclusions import Scope, StatedExclusion
from sla_exporter.core.matchers import Matcher, all_match
from sla_exporter.core.windows import Window, intersect, subtract, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceVersion:
    """A silence as Alertmanager told it at one time; the same id may have several versions."""

    id: str
    updated_at_ms: int
    starts_at_ms: int
    ends_at_ms: int
    matchers: tuple[Matcher, ...]
    created_by: str
    comment: str

    def is_selected_by(self, wanted: Sequence[Matcher]) -> bool:
        """Say whether it is maintenance.

        The matchers speak of ``comment`` and ``createdBy``, and of the labels that the silence asks
        for by equality. Without any, no silence is maintenance.
        """
        labels = {m.label: m.value for m in self.matchers if m.operator == "="}
        labels |= {"comment": self.comment, "createdBy": self.created_by}
        return bool(wanted) and all_match(wanted, labels)


def maintenance_of(
    versions: Iterable[SilenceVersion], wanted: Sequence[Matcher]
) -> Iterator[StatedExclusion]:
    """Give the windows of the silences that are maintenance, with the moment each was announced."""
    ordered = sorted(versions, key=lambda version: (version.id, version.updated_at_ms))
    for _, group in groupby(ordered, key=lambda version: version.id):
        told = list(group)
        if told[-1].is_selected_by(wanted):
            yield from _windows_of(told)


def _windows_of(versions: Sequence[SilenceVersion]) -> Iterator[StatedExclusion]:
    last = versions[-1]
    pieces: list[tuple[Window, int]] = []
    for version in versions:
        pieces = _revised(pieces, version)
    for window, announced in pieces:
        yield StatedExclusion(
            key=f"silence/{last.id}",
            scope=Scope(matchers=last.matchers),
            window=window,
            announced_at_ms=announced,
            who=last.created_by,
            why=last.comment,
        )


def _revised(
    pieces: Sequence[tuple[Window, int]], version: SilenceVersion
) -> list[tuple[Window, int]]:
    """Give what is announced from a version on, in order of time, each piece with its moment.

    What was over by then was in force and stays; of the rest only what the version still says, and
    what it adds is announced by it.
    """
    said = tidy([(version.starts_at_ms, version.ends_at_ms)])
    begun = min((window.start_ms for window, _ in pieces), default=version.updated_at_ms)
    stays = tidy([*said, (begun, version.updated_at_ms)])
    kept = [
        (part, announced) for window, announced in pieces for part in intersect((window,), stays)
    ]
    new = subtract(said, tidy(window for window, _ in pieces))
    return sorted([*kept, *((window, version.updated_at_ms) for window in new)])
