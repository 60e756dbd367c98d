"""Files that test policies: cases made up by hand, and what is expected of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from sla_exporter.core.catalogue import Contract, Customer
from sla_exporter.core.currencies import MINOR_UNIT_DIGITS
from sla_exporter.core.periods import Period, midnight_ms
from sla_exporter.core.policy.case import ONE, Case, Exclusion, ExclusionKind, Outage
from sla_exporter.core.policy.claim import ClaimState
from sla_exporter.core.policy.terms import Form
from sla_exporter.core.policy.trial import Expected, Trial
from sla_exporter.core.settlement import settled_span
from sla_exporter.core.windows import tidy
from sla_exporter.errors import ConfigInvalid
from sla_exporter.settings.document import read_file
from sla_exporter.settings.fees import FeeReader, FeesModel
from sla_exporter.settings.fields import (
    Day,
    Days,
    Length,
    MomentPhrase,
    Percent,
    Section,
    StretchPhrase,
    Sum,
    TextList,
    WrittenPercent,
    Zone,
    one_or_many,
)
from sla_exporter.settings.policies import load_policies
from sla_exporter.settings.sentences import validated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sla_exporter.core.policy.terms import Policy
    from sla_exporter.core.problems import Problem
    from sla_exporter.settings.document import Document, Key


def _spelt_out(value: object) -> object:
    """Let a stretch of time alone stand for a mapping with nothing else in it."""
    return {"at": value} if isinstance(value, str) else value


class OutageModel(Section):
    """Downtime, and what is known of it."""

    at: StretchPhrase
    affected: Percent | None = None
    reported: MomentPhrase | None = None


class ExclusionModel(Section):
    """Time that may not count."""

    at: StretchPhrase
    kind: ExclusionKind = ExclusionKind.MAINTENANCE
    announced: MomentPhrase | None = None


class TrialContract(FeesModel):
    """The contract of the case."""

    currency: str
    zone: Zone = "UTC"
    since: Day = date(2000, 1, 1)
    until: Day | None = None


class ExpectModel(Section):
    """What is expected."""

    breached: bool | None = None
    availability: WrittenPercent | None = None
    downtime: Length | None = None
    credit: Sum | None = None
    form: Form | None = None
    extension: Days | None = None
    may_terminate: bool | None = None
    carried: Sum | None = None
    claim: ClaimState | None = None
    flags: TextList = ()


class TrialModel(Section):
    """One test."""

    name: str
    policy: str | None = None
    version: int = Field(default=1, ge=1)
    contract: TrialContract
    period: str | None = None
    outages: Annotated[
        tuple[Annotated[OutageModel, BeforeValidator(_spelt_out)], ...],
        BeforeValidator(one_or_many),
    ] = ()
    exclusions: Annotated[
        tuple[Annotated[ExclusionModel, BeforeValidator(_spelt_out)], ...],
        BeforeValidator(one_or_many),
    ] = ()
    unknown: Annotated[tuple[StretchPhrase, ...], BeforeValidator(one_or_many)] = ()
    availability: Percent | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    breached_before: tuple[bool, ...] = ()
    granted_before: Sum | None = None
    ticket: MomentPhrase | None = None
    claimed: MomentPhrase | None = None
    expect: ExpectModel


class TrialFile(Section):
    """The whole file."""

    policy_file: str
    tests: Annotated[tuple[TrialModel, ...], Field(min_length=1)]


def load_trials(path: Path) -> list[Trial]:
    """Read a file of tests, and the policies that it tests.

    Raises:
        ConfigInvalid: with everything that is wrong in them.
    """
    document = read_file(path)
    model, problems = validated(document, TrialFile)
    if model is None:
        raise ConfigInvalid(problems)
    policy_file = path.parent / model.policy_file
    if not policy_file.is_file():
        message = f"policy_file: there is no file {model.policy_file!r} beside this one"
        raise ConfigInvalid([*problems, document.problem(("policy_file",), message)])
    policies = load_policies(policy_file)
    builder = _Builder(document, {name: found.policies for name, found in policies.items()})
    builder.problems.extend(problems)
    found = [builder.trial(trial, ("tests", index)) for index, trial in enumerate(model.tests)]
    if builder.problems:
        raise ConfigInvalid(builder.problems)
    return [trial for trial in found if trial]


@dataclass(slots=True)
class _Builder:
    """Makes trials, and notes what is wrong."""

    document: Document
    policies: dict[str, tuple[Policy, ...]]
    problems: list[Problem] = field(default_factory=list)

    def trial(self, model: TrialModel, at: Sequence[Key]) -> Trial | None:
        known = len(self.problems)
        policy = self._policy(model, at)
        contract = self._contract(model.contract, policy, (*at, "contract"))
        if policy is None or contract is None:
            return None
        zone = policy.period.zone or contract.customer.zone
        try:
            case = _case(model, policy, contract, zone)
        except ValueError as error:
            self.problems.append(self.document.problem(at, f"{model.name}: {error}"))
            return None
        if len(self.problems) > known:
            return None
        place = self.document.place(at)
        expected = _expected(model.expect)
        return Trial(name=model.name, place=place, policy=policy, case=case, expected=expected)

    def _policy(self, model: TrialModel, at: Sequence[Key]) -> Policy | None:
        there = ", ".join(self.policies)
        if model.policy is None and len(self.policies) > 1:
            message = f"say which policy is tested; there are: {there}"
            self.problems.append(self.document.problem(at, message))
            return None
        name = model.policy or next(iter(self.policies))
        versions = self.policies.get(name)
        if versions is None:
            message = f"there is no policy {name!r}; there are: {there}"
            self.problems.append(self.document.problem((*at, "policy"), message))
            return None
        if model.version > len(versions):
            message = f"policy {name!r} has {len(versions)} versions"
            self.problems.append(self.document.problem((*at, "version"), message))
            return None
        return versions[model.version - 1]

    def _contract(
        self, model: TrialContract, policy: Policy | None, at: Sequence[Key]
    ) -> Contract | None:
        if model.currency not in MINOR_UNIT_DIGITS:
            message = f"currency: {model.currency!r} is not an ISO 4217 currency code"
            self.problems.append(self.document.problem((*at, "currency"), message))
            return None
        fees = FeeReader(model.currency, self.document, self.problems).read(model, at)
        if fees is None or policy is None:
            return None
        customer = Customer(id="test", name="Test", currency=model.currency, zone=model.zone)
        return Contract(
            id="test",
            customer=customer,
            service="test",
            policy=policy.name,
            fee=fees.fee,
            since=model.since,
            until=model.until,
            amounts=fees.amounts,
            parts=fees.parts,
            price_changes=fees.price_changes,
        )


def _case(model: TrialModel, policy: Policy, contract: Contract, zone: str) -> Case:
    outages = tuple(
        Outage(
            window=outage.at.window(zone),
            affected=outage.affected.value if outage.affected else ONE,
            reported_at_ms=outage.reported.at_ms(zone) if outage.reported else None,
        )
        for outage in model.outages
    )
    exclusions = tuple(
        Exclusion(
            window=exclusion.at.window(zone),
            kind=exclusion.kind,
            announced_at_ms=exclusion.announced.at_ms(zone) if exclusion.announced else None,
        )
        for exclusion in model.exclusions
    )
    period = _period(model, policy, contract, zone, [o.window.start_ms for o in outages])
    span = settled_span(contract, period)
    if span is None:
        raise ValueError("the contract does not run in this period")
    return Case(
        contract=contract,
        period=period,
        span=span,
        outages=outages,
        unknown=tidy(stretch.window(zone) for stretch in model.unknown),
        exclusions=exclusions,
        ratio=model.availability.value if model.availability else None,
        breached_before=model.breached_before,
        granted_before=model.granted_before,
        counts=model.counts,
        claimed_at_ms=model.claimed.at_ms(zone) if model.claimed else None,
        ticket_at_ms=model.ticket.at_ms(zone) if model.ticket else None,
    )


_DAY = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d))?")


def _period(
    model: TrialModel, policy: Policy, contract: Contract, zone: str, starts: list[int]
) -> Period:
    """Give the period that is named, or that the first outage lies in."""
    if model.period is None:
        if not starts:
            raise ValueError("say which period it is, as in period: 2026-10")
        at_ms = min(starts)
    else:
        found = _DAY.fullmatch(model.period)
        if not found:
            raise ValueError(f"{model.period!r} is not a month or a day, as in 2026-10")
        at_ms = midnight_ms(date(int(found[1]), int(found[2]), int(found[3] or 1)), zone)
    return policy.period.containing(at_ms, zone, contract.since)


def _expected(model: ExpectModel) -> Expected:
    return Expected(
        breached=model.breached,
        availability=model.availability,
        downtime=model.downtime,
        credit=model.credit,
        form=model.form,
        extension_days=model.extension,
        may_terminate=model.may_terminate,
        carried=model.carried,
        claim=model.claim,
        flags=frozenset(model.flags),
    )
