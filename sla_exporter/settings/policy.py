"""The policy language: the keys under a policy, and the policy that they become."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from sla_exporter.core.catalogue import Mode
from sla_exporter.core.money import Rounding
from sla_exporter.core.periods import DAY_MS, MONTHLY
from sla_exporter.core.policy.case import ExclusionKind
from sla_exporter.core.policy.claim import Anchor, Claim, Deadline
from sla_exporter.core.policy.downtime import (
    Affected,
    Counts,
    DowntimeRule,
    Slots,
    Starts,
    Unknown,
)
from sla_exporter.core.policy.exclusions import ExclusionRule, Leaves
from sla_exporter.core.policy.pay import Base
from sla_exporter.core.policy.terms import (
    Cap,
    CapPer,
    Form,
    Grace,
    Minimum,
    Policy,
    Undecided,
)
from sla_exporter.core.reasoning import Duration
from sla_exporter.settings.credit import CreditModel
from sla_exporter.settings.fields import (
    AffectedShare,
    BudgetPhrase,
    Day,
    GracePhrase,
    Interval,
    Length,
    Notice,
    ObjectivePhrase,
    PayPhrase,
    Percent,
    PeriodPhrase,
    RecurringPhrases,
    Section,
    Sum,
    TextList,
    Within,
)
from sla_exporter.settings.quantities import parse_percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sla_exporter.core.problems import Problem
    from sla_exporter.settings.document import Document, Key


class SlotsModel(Section):
    """Slots of time that are down as a whole or not at all."""

    length: Interval
    down_when: Literal["all of it", "any of it"] = "all of it"


class DowntimeModel(Section):
    """What counts as downtime."""

    unit: Literal["exact", "whole minutes"] = "exact"
    slots: SlotsModel | None = None
    minimum: Length | None = None
    longer_than: Length | None = None
    counts: Counts = Counts.WHOLE
    starts: Starts = Starts.MONITOR
    affected: AffectedShare = Affected()
    unknown: Unknown = Unknown.EXCLUDE
    min_coverage: Percent = parse_percent("95%")

    def rule(self) -> DowntimeRule:
        """Give the core's rule."""
        slots = None
        if self.slots:
            whole = self.slots.down_when == "all of it"
            slots = Slots(length_ms=self.slots.length.ms, whole=whole)
        return DowntimeRule(
            unit=self.unit,
            slots=slots,
            longer_than_ms=self.longer_than.ms if self.longer_than else None,
            at_least_ms=self.minimum.ms if self.minimum else None,
            counts=self.counts,
            starts=self.starts,
            affected=self.affected,
            unknown=self.unknown,
            min_coverage=self.min_coverage,
        )


class MaintenanceModel(Section):
    """Which time does not count, and what that does to the calculation."""

    covers: tuple[ExclusionKind, ...] = tuple(ExclusionKind)
    announced: Notice | None = None
    budget: BudgetPhrase | None = None
    windows: RecurringPhrases = ()
    leaves: Leaves = Leaves.BOTH

    def rule(self) -> ExclusionRule:
        """Give the core's rule."""
        return ExclusionRule(
            kinds=frozenset(self.covers),
            announced_ms=self.announced,
            budget=self.budget,
            recurring=self.windows,
            leaves=self.leaves,
        )


class CapsModel(Section):
    """The most that is paid."""

    per_outage: PayPhrase | None = None
    per_period: PayPhrase | None = None
    per_12_months: PayPhrase | None = None


class MinimumModel(Section):
    """Under which amount no credit is given."""

    over: Sum | None = None
    at_least: Sum | None = None
    otherwise: Literal["nothing", "carry"] = "nothing"

    @model_validator(mode="after")
    def _only_one(self) -> MinimumModel:
        if (self.over is None) == (self.at_least is None):
            raise ValueError("give either over or at_least")
        return self

    def rule(self) -> Minimum | None:
        """Give the core's rule."""
        money = self.over or self.at_least
        if money is None:
            return None
        carry = self.otherwise == "carry"
        return Minimum(money=money, strict=self.over is not None, carry=carry)


class RoundingModel(Section):
    """How figures are rounded; the credit always is, the availability only if the text says so."""

    credit: Rounding = Rounding.HALF_UP
    availability_decimals: int | None = Field(default=None, ge=0, le=9)


class TicketModel(Section):
    """Something the customer must do within a deadline, and what the deadline counts from."""

    within: Within
    of: Anchor

    def deadline(self) -> Deadline:
        """Give the core's deadline."""
        return replace(self.within, of=self.of)


class ClaimModel(TicketModel):
    """A credit on request, and maybe only after a ticket."""

    ticket: TicketModel | None = None
    remind: Notice | None = None
    tolerance: Length = Duration(15 * 60_000)

    @field_validator("remind")
    @classmethod
    def _in_time(cls, remind_ms: int | None, info: ValidationInfo) -> int | None:
        within = info.data.get("within")
        if remind_ms is None or within is None:
            return remind_ms
        length_ms = within.hours * 3_600_000 + (within.days + within.business_days) * DAY_MS
        if 0 < length_ms <= remind_ms:
            raise ValueError("there is less time to claim than that, so nobody is reminded")
        return remind_ms

    def claim(self) -> Claim:
        """Give the core's claim."""
        return Claim(
            within=self.deadline(),
            ticket_within=self.ticket.deadline() if self.ticket else None,
            remind_ms=self.remind,
            tolerance_ms=self.tolerance.ms,
        )


class UndecidedModel(Section):
    """A point that the text leaves open, with what each reading of it changes in the policy."""

    text: str
    readings: dict[str, dict[str, Any]] = Field(min_length=2)


class PolicyModel(Section):
    """A promise and what breaking it costs."""

    effective_from: Day | None = None
    objective: ObjectivePhrase | None = None
    period: PeriodPhrase = MONTHLY
    denominator: Interval | None = None
    life: Literal["part of the period", "whole period"] = "part of the period"
    downtime: DowntimeModel = DowntimeModel()
    maintenance: MaintenanceModel = MaintenanceModel()
    grace: GracePhrase = Grace()
    credit: CreditModel
    of: Base = Base.SERVICE_FEE
    minus: TextList = ()
    fee_covers: Interval | None = None
    cap: PayPhrase | CapsModel | None = None
    minimum: MinimumModel | None = None
    rounding: Rounding | RoundingModel = Rounding.HALF_UP
    form: Form = Form.ACCOUNT_CREDIT
    expires: Length | None = None
    claim: Literal["automatic", "on request"] | ClaimModel = "automatic"
    discretionary: bool = False
    interpretation: dict[str, str] = Field(default_factory=dict)
    undecided: tuple[UndecidedModel, ...] = ()
    mode: Mode | None = None


def to_policy(name: str, model: PolicyModel) -> Policy:
    """Give the core's policy, without its undecided points."""
    rounding = model.rounding
    detailed = rounding if isinstance(rounding, RoundingModel) else None
    return Policy(
        name=name,
        credit=model.credit.credit(model.of, model.minus),
        objective=model.objective,
        effective_from=model.effective_from,
        period=model.period,
        denominator_ms=model.denominator.ms if model.denominator else None,
        whole_period=model.life == "whole period",
        downtime=model.downtime.rule(),
        exclusions=model.maintenance.rule(),
        grace=model.grace,
        fee_covers_ms=model.fee_covers.ms if model.fee_covers else None,
        caps=tuple(_caps(model.cap)),
        minimum=model.minimum.rule() if model.minimum else None,
        rounding=detailed.credit if detailed else Rounding(str(rounding)),
        availability_decimals=detailed.availability_decimals if detailed else None,
        form=model.form,
        expires_ms=model.expires.ms if model.expires else None,
        claim=_claim(model.claim),
        discretionary=model.discretionary,
        interpretation=model.interpretation,
        mode=model.mode,
    )


def _claim(model: str | ClaimModel) -> Claim | None:
    if isinstance(model, ClaimModel):
        return model.claim()
    return Claim() if model == "on request" else None


def _caps(model: Any) -> list[Cap]:
    if model is None:
        return []
    if not isinstance(model, CapsModel):
        return [Cap(limit=model)]
    found = {
        CapPer.OUTAGE: model.per_outage,
        CapPer.PERIOD: model.per_period,
        CapPer.TWELVE_MONTHS: model.per_12_months,
    }
    return [Cap(limit=limit, per=per) for per, limit in found.items() if limit]


def read_undecided(
    name: str, model: PolicyModel, document: Document, at: Sequence[Key]
) -> tuple[list[Undecided], list[Problem]]:
    """Make a policy of every reading of every undecided point."""
    found: list[Undecided] = []
    problems: list[Problem] = []
    raw = document.key_at(at)
    for index, point in enumerate(model.undecided):
        readings: dict[str, Policy] = {}
        for label, changes in point.readings.items():
            here = (*at, "undecided", index, "readings", label)
            try:
                changed = PolicyModel.model_validate(_changed(raw, changes))
                readings[label] = to_policy(name, changed)
            except KeyError as error:
                problems.append(document.problem(here, f"there is no {error.args[0]} to change"))
            except ValidationError as error:
                said = error.errors()[0]
                cause = said.get("ctx", {}).get("error") or said["msg"]
                where = ".".join(map(str, said["loc"]))
                problems.append(
                    document.problem(here, f"this reading makes {where} wrong: {cause}")
                )
        found.append(Undecided(text=point.text, readings=readings))
    return found, problems


def _changed(raw: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Put other values at dotted paths; ``null`` takes a key away.

    Raises:
        KeyError: with the path, if there is nothing on the way to it.
    """
    result: dict[str, Any] = copy.deepcopy(dict(raw))
    result.pop("undecided", None)
    for path, value in changes.items():
        *way, last = path.split(".")
        target: Any = result
        for key in way:
            if isinstance(target, list) and key.isdecimal() and int(key) < len(target):
                target = target[int(key)]
            elif isinstance(target, dict) and key in target:
                target = target[key]
            else:
                raise KeyError(path)
        if isinstance(target, list) and last.isdecimal() and int(last) < len(target):
            target[int(last)] = value
        elif isinstance(target, dict):
            target.pop(last, None)
            if value is not None:
                target[last] = value
        else:
            raise KeyError(path)
    return result
