"""The ``sli`` section: one model per kind, picked by the key that names the kind."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sla_exporter.core.quorum import ALL, Quorum
from sla_exporter.core.reasoning import Duration
from sla_exporter.core.samples import Cadence
from sla_exporter.core.sli.events import Availability, Empty, Events
from sla_exporter.core.sli.expr import Expr
from sla_exporter.core.sli.kinds import KINDS, Sli
from sla_exporter.core.sli.probe import Probe
from sla_exporter.settings.fields import (
    Interval,
    Length,
    Majority,
    Percent,
    Section,
    Selector,
    TextList,
)

_LONGEST_SLOT_MS = 3_600_000


class SliModel(Section):
    """What all kinds have in common: how the series of one contract become one.

    ``kind`` is the key that names the kind.
    """

    kind: ClassVar[str]

    quorum: Majority = ALL
    min_known: int = Field(default=1, ge=1)

    @property
    def majority(self) -> Quorum:
        """How many must be down, and how many known."""
        return replace(self.quorum, min_known=self.min_known)

    @abstractmethod
    def build(self, contract_label: str | None) -> Sli:
        """Give the kind; a ``ValueError`` names the key at fault before a colon."""


class ProbeModel(SliModel):
    """0/1 series, read sample by sample."""

    kind: ClassVar[str] = "probe"
    probe: Selector
    interval: Interval | None = None
    max_gap: Interval | None = None

    def build(self, contract_label: str | None) -> Sli:  # noqa: ARG002 - others need it
        """Give the selector and its cadence."""
        interval_ms = self.interval.ms if self.interval else None
        max_gap_ms = self.max_gap.ms if self.max_gap else None
        if interval_ms:
            try:
                Cadence.of(interval_ms, max_gap_ms)
            except ValueError:
                raise ValueError("max_gap: must be at least the interval") from None
        return Probe(selector=self.probe, interval_ms=interval_ms, max_gap_ms=max_gap_ms)


class ExprModel(SliModel):
    """Any PromQL that is 1 or 0 at every step."""

    kind: ClassVar[str] = "expr"
    expr: str
    step: Length = Duration(60_000)

    def build(self, contract_label: str | None) -> Sli:  # noqa: ARG002 - others need it
        """Give the expression and its step."""
        if self.step.ms <= 0:
            raise ValueError("step: must be longer than nothing")
        return Expr(selector=self.expr, interval_ms=self.step.ms)


class CountersModel(Section):
    """The counters of good and of all events."""

    good: Selector
    total: Selector


class EventsModel(SliModel):
    """Shares of good events."""

    kind: ClassVar[str] = "events"
    events: CountersModel
    by: TextList = ()
    slot: Length = Duration(300_000)
    availability: Availability = Availability.EVENTS
    down_over: Percent | None = None
    empty: Empty = Empty.UP

    def build(self, contract_label: str | None) -> Sli:
        """Give the counters and how they become an availability."""
        by = self.by or ((contract_label,) if contract_label else ())
        if not by:
            raise ValueError("by: name the labels that tell contracts apart, or a contract_label")
        if not 0 < self.slot.ms <= _LONGEST_SLOT_MS:
            raise ValueError("slot: must be an hour or less, so that days and months end at one")
        return Events(
            good=self.events.good,
            total=self.events.total,
            by=by,
            interval_ms=self.slot.ms,
            availability=self.availability,
            down_over=self.down_over.value if self.down_over else None,
            empty=self.empty,
        )


def _of_one_kind(value: Any) -> Any:
    """Refuse a section that names several kinds, or none."""
    named = [kind for kind in KINDS if kind in value] if isinstance(value, dict) else ["?"]
    if len(named) != 1:
        several = f", not {' and '.join(named)}" if named else ""
        raise ValueError(f"give one of {', '.join(KINDS)}{several}")
    return value


def _kind(value: Any) -> str:
    """Name the kind by the key that is there; for what is no section, any will do."""
    keys = value if isinstance(value, dict) else ()
    return next((kind for kind in KINDS if kind in keys), "probe")


SliSection = Annotated[
    Annotated[
        Annotated[ProbeModel, Tag("probe")]
        | Annotated[ExprModel, Tag("expr")]
        | Annotated[EventsModel, Tag("events")],
        Discriminator(_kind),
    ],
    BeforeValidator(_of_one_kind),
]
