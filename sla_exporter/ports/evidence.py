"""What evidence beside the measurement needs: alerts, exclusions, second opinions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.catalogue import Contract
    from sla_exporter.core.exclusions import StatedExclusion, Withdrawal
    from sla_exporter.core.incidents import IncidentWindow
    from sla_exporter.core.matchers import Matcher
    from sla_exporter.core.samples import SeriesState
    from sla_exporter.core.silences import SilenceVersion
    from sla_exporter.core.windows import Window
    from sla_exporter.ports import Labels


class FiringSource(Protocol):
    """Alertmanager, as far as alerts go."""

    async def firing(self) -> Sequence[IncidentWindow]:
        """Give every alert that is firing now, silenced and inhibited ones among them."""
        ...


class RuleSource(Protocol):
    """Alerting rules, as far as their intervals go."""

    async def by_alert(self) -> Mapping[str, int]:
        """Give evaluation intervals in milliseconds by the alert's name; what is known of them."""
        ...


class PointSource(Protocol):
    """Series of whatever values, sample by sample."""

    async def points(
        self, selector: str, span: Window
    ) -> Mapping[Labels, Sequence[tuple[int, str]]]:
        """Give the samples in ``(start, end]`` as milliseconds and text, in order of time."""
        ...


class ExclusionStore(Protocol):
    """What operators want excluded, and silences as they were seen; append-only."""

    async def stated(self, span: Window, silences: Sequence[Matcher]) -> Sequence[StatedExclusion]:
        """Give what touches the span, withdrawn or not; of silences, those that match."""
        ...

    async def add(self, exclusion: StatedExclusion, at_ms: int) -> str:
        """Keep what an operator entered, and give its key."""
        ...

    async def withdraw(self, key: str, withdrawal: Withdrawal) -> None:
        """Note that an exclusion does not count any more.

        Raises:
            NotPossible: if there is none of that key, or it was withdrawn before.
        """
        ...

    async def record_silences(self, versions: Sequence[SilenceVersion], seen_at_ms: int) -> int:
        """Keep versions that were not seen before, and say how many those were."""
        ...


class SilenceSource(Protocol):
    """Alertmanager, as far as silences go."""

    async def silences(self) -> Sequence[SilenceVersion]:
        """Give every silence there is, ended ones that are still kept among them."""
        ...


class SecondOpinion(Protocol):
    """Somebody else who watches the same."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def tolerance_ms(self) -> int:
        """By how much its edges may differ from ours."""
        ...

    async def state(self, contract: Contract, span: Window) -> SeriesState:
        """Say when the contract was down, and when it is not known.

        Raises:
            SourceError: if there is no answer.
        """
        ...


class OpinionStore(Protocol):
    """Answers that were given."""

    async def kept(
        self, source: str, contract: str, span: Window, since_ms: int
    ) -> SeriesState | None:
        """Give an answer that is not older than that."""
        ...

    async def keep(
        self, source: str, contract: str, span: Window, state: SeriesState, at_ms: int
    ) -> None:
        """Keep an answer in the place of an older one."""
        ...
