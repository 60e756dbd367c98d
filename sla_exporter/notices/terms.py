"""A policy as terms of service: what is computed, in words, with an example that was computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.policy.downtime import Counts, Starts, Unknown
from sla_exporter.core.policy.exclusions import Leaves
from sla_exporter.core.policy.flaws import components
from sla_exporter.core.policy.pay import Unit
from sla_exporter.core.policy.terms import (
    CapPer,
    Combination,
    Credit,
    GraceKind,
    How,
    Minimum,
    Policy,
)
from sla_exporter.notices.clauses import clause_sentence
from sla_exporter.notices.reasons import sentences
from sla_exporter.notices.wording import deadline_text, pay_text, period_text, recurring_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.policy.engine import Outcome
    from sla_exporter.notices.formats import Formats


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Two columns: a condition, and what it earns."""

    header: tuple[str, str]
    rows: tuple[tuple[str, str], ...]

    @property
    def width(self) -> int:
        """How wide the first column is in plain text."""
        return max(len(left) for left, _ in (self.header, *self.rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with what stands under it, in order."""

    heading: str
    parts: tuple[str | Table, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A whole document; all of it is text in the reader's language."""

    title: str
    language: str
    sections: tuple[Section, ...]


def write_terms(policy: Policy, example: Outcome, formats: Formats) -> Terms:
    """Write a policy out, with an example that the engine computed by it."""
    writer, say = _Writer(policy, formats), formats.say
    sections: tuple[tuple[str, Iterator[str | Table] | Iterator[str]], ...] = (
        (say("What we promise"), writer.promise()),
        (say("How availability is measured"), writer.measuring()),
        (say("What does not count"), writer.exclusions()),
        (say("What we give you"), writer.credit()),
        (say("How you get it"), writer.form()),
        (say("How these terms are read"), writer.reading()),
        (say("An example"), writer.example(example)),
    )
    written = ((heading, tuple(parts)) for heading, parts in sections)
    return Terms(
        title=say("Service level agreement: %(name)s", name=policy.name),
        language=str(formats.locale).replace("_", "-"),
        sections=tuple(Section(heading=name, parts=parts) for name, parts in written if parts),
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the sections; each sentence stands for one thing that the policy says."""

    policy: Policy
    formats: Formats

    def promise(self) -> Iterator[str]:
        """Say the objective, the period and since when."""
        policy, say = self.policy, self.formats.say
        period = period_text(policy.period, self.formats)
        if policy.objective is None:
            yield say("Every outage counts. Outages are judged for each %(period)s.", period=period)
        else:
            share = self.formats.percent(policy.objective.share.value)
            yield (
                say("We promise an availability over %(share)s.", share=share)
                if policy.objective.over
                else say("We promise an availability of at least %(share)s.", share=share)
            )
            yield say("It is calculated for each %(period)s.", period=period)
        if policy.period.zone:
            yield say("Days begin and end in the time zone %(zone)s.", zone=policy.period.zone)
        else:
            yield say("Days begin and end in your time zone.")
        if policy.effective_from:
            day = self.formats.day(policy.effective_from)
            yield say("This holds for periods that end on %(day)s or later.", day=day)

    def measuring(self) -> Iterator[str]:
        """Say what the ratio is of, and what is a down unit."""
        policy, say = self.policy, self.formats.say
        yield say(
            "Availability is the share of the counted time in which the service was up. Outages at "
            "the same time count once."
        )
        if policy.denominator_ms is not None:
            length = self.formats.duration(policy.denominator_ms)
            yield say("Every period is taken to be %(length)s long.", length=length)
        if policy.whole_period:
            yield say("Time of the period outside the contract counts as up.")
        else:
            yield say("Of a period in which the contract began or ended, only its part counts.")
        yield from self._units()
        yield from self._outages()
        yield {
            Unknown.EXCLUDE: say("Time without measurements is left out of the calculation."),
            Unknown.UP: say("Time without measurements counts as up."),
            Unknown.DOWN: say("Time without measurements counts as down."),
        }[policy.downtime.unknown]
        if policy.availability_decimals is not None:
            decimals = policy.availability_decimals
            yield say("The percentage is rounded to %(decimals)s decimals.", decimals=decimals)

    def _units(self) -> Iterator[str]:
        rule, say = self.policy.downtime, self.formats.say
        if rule.unit == "whole minutes":
            yield say("Only full minutes of an outage count.")
        if rule.slots:
            length = self.formats.duration(rule.slots.length_ms)
            yield (
                say(
                    "Time counts in slots of %(length)s that were all down.",
                    length=length,
                )
                if rule.slots.whole
                else say("Time counts in slots of %(length)s; any downtime counts.", length=length)
            )

    def _outages(self) -> Iterator[str]:
        rule, say = self.policy.downtime, self.formats.say
        limit = self.formats.duration(rule.shortest_ms)
        if rule.longer_than_ms:
            yield say("Only outages longer than %(limit)s count.", limit=limit)
        elif rule.at_least_ms:
            yield say("Only outages of %(limit)s or more count.", limit=limit)
        if rule.shortest_ms and rule.counts is Counts.EXCESS:
            yield say("Of these, only the time over that limit counts.")
        if rule.starts is Starts.REPORT:
            yield say("An outage counts from when you report it.")
        if rule.affected.weighted:
            yield say("An outage that hit only a share counts with that share.")
        if rule.affected.over is not None:
            over = self.formats.percent(rule.affected.over.value)
            yield say("An outage counts only if it hit more than %(over)s.", over=over)

    def exclusions(self) -> Iterator[str]:
        """Say which time is left out, and which downtime is free."""
        rule, say = self.policy.exclusions, self.formats.say
        if rule.kinds:
            kinds = ", ".join(say(kind.value) for kind in sorted(rule.kinds))
            yield say("Time does not count if it is: %(kinds)s.", kinds=kinds)
        else:
            yield say("All downtime counts, whatever its cause.")
        if rule.announced_ms is not None:
            notice = self.formats.duration(rule.announced_ms)
            yield say("Maintenance must be announced %(notice)s before it begins.", notice=notice)
        if rule.budget:
            amount = self.formats.duration(rule.budget.amount_ms)
            yield say(
                "At most %(amount)s of maintenance in a %(period)s are free; the rest is downtime.",
                amount=amount,
                period=say(rule.budget.per.value),
            )
        for recurring in rule.recurring:
            yield recurring_text(recurring, self.formats)
        if rule.leaves is Leaves.NUMERATOR:
            yield say("Time that does not count is taken as up.")
        elif rule.leaves is Leaves.DENOMINATOR:
            yield say("Time that does not count only makes the period shorter.")
        yield from self._grace()

    def _grace(self) -> Iterator[str]:
        grace, say = self.policy.grace, self.formats.say
        length = self.formats.duration(grace.length_ms or 0)
        objective = self.policy.objective
        if grace.kind is GraceKind.DEDUCTIBLE and grace.length_ms is None:
            yield say("Only downtime beyond what the objective allows is paid for.")
        elif grace.kind is GraceKind.DEDUCTIBLE:
            yield say("The first %(length)s of downtime are not paid for.", length=length)
        elif grace.length_ms is not None:
            yield say("Downtime up to %(length)s is free; over that, all counts.", length=length)
        elif objective and objective.share.value < 1:
            yield say("Once the objective is missed, all downtime counts.")

    def credit(self) -> Iterator[str | Table]:
        """Say what is paid, of what, and how much at most."""
        yield from self._formulas(self.policy.credit)
        yield from self._bases()
        yield from self._limits()

    def _formulas(self, credit: Credit) -> Iterator[str | Table]:
        say = self.formats.say
        if isinstance(credit, Combination):
            for part in credit.parts:
                yield from self._formulas(part)
            yield (
                say("These are added up.")
                if credit.how is How.SUM
                else say("Of these, only the highest is given.")
            )
            return
        clause = credit.formula.clause()
        yield " ".join(clause_sentence(said, self.formats) for said in clause.said)
        if clause.rows:
            rows = tuple(
                (clause_sentence(when, self.formats), pay_text(pay, self.formats))
                for when, pay in clause.rows
            )
            yield Table(header=(say("If it is"), say("you get")), rows=rows)

    def _bases(self) -> Iterator[str]:
        say, found = self.formats.say, list(components(self.policy.credit))
        pays = [pay for component in found for pay in component.formula.amounts()]
        bases = sorted({(component.of, component.minus) for component in found})
        for of, minus in bases if any(pay.unit is Unit.SHARE for pay in pays) else ():
            yield say("Percentages are of this amount: %(base)s.", base=say(of.value))
            if minus:
                yield say("These parts are not in it: %(parts)s.", parts=", ".join(minus))
        if self.policy.fee_covers_ms:
            length = self.formats.duration(self.policy.fee_covers_ms)
            yield say("The fee is taken to pay for %(length)s.", length=length)

    def _limits(self) -> Iterator[str]:
        policy, say = self.policy, self.formats.say
        for cap in policy.caps:
            limit = pay_text(cap.limit, self.formats)
            yield {
                CapPer.PERIOD: say("We give at most %(cap)s for a period.", cap=limit),
                CapPer.OUTAGE: say("We give at most %(cap)s for an outage.", cap=limit),
                CapPer.TWELVE_MONTHS: say("We give at most %(cap)s in twelve months.", cap=limit),
            }[cap.per]
        if policy.minimum:
            yield from self._minimum(policy.minimum)
        mode = say(policy.rounding.value)
        yield say("Amounts are rounded once, at the end: %(mode)s.", mode=mode)

    def _minimum(self, minimum: Minimum) -> Iterator[str]:
        say, money = self.formats.say, self.formats.money(minimum.money)
        yield (
            say("A credit is given only if it is over %(minimum)s.", minimum=money)
            if minimum.strict
            else say("A credit is given only if it is at least %(minimum)s.", minimum=money)
        )
        if minimum.carry:
            yield say("What is less is kept and added to your next credit.")

    def form(self) -> Iterator[str]:
        """Say in which form it comes, and what the customer must do."""
        policy, say = self.policy, self.formats.say
        yield say("What we owe comes in this form: %(form)s.", form=say(policy.form.value))
        if policy.expires_ms:
            length = self.formats.duration(policy.expires_ms)
            yield say("It can be used for %(length)s.", length=length)
        claim = policy.claim
        if claim is None:
            yield say("You need not do anything: it comes by itself.")
        else:
            if claim.ticket_within:
                deadline = deadline_text(claim.ticket_within, self.formats)
                yield say("You must report the outage by ticket %(deadline)s.", deadline=deadline)
            deadline = deadline_text(claim.within, self.formats) if claim.within else ""
            yield (
                say("You must claim it %(deadline)s.", deadline=deadline)
                if deadline
                else say("You must claim it; there is no deadline.")
            )
        if policy.discretionary:
            yield say("It is given at our discretion.")

    def reading(self) -> Iterator[str]:
        """Say how unclear words are read, and what is left to a person."""
        for words, meaning in self.policy.interpretation.items():
            yield f"{words}: {meaning}."
        for point in self.policy.undecided:
            readings = "; ".join(point.readings)
            yield self.formats.say(
                "Not decided yet: %(text)s. It may be read as: %(readings)s.",
                text=point.text,
                readings=readings,
            )

    def example(self, outcome: Outcome) -> Iterator[str]:
        """Tell the example's outage and every step of its calculation."""
        case, formats = outcome.measured.case, self.formats
        window = case.outages[0].window
        yield formats.say(
            "A contract costs %(fee)s; its service is down from %(start)s to %(end)s (%(length)s).",
            fee=formats.money(case.contract.fee),
            start=formats.moment(window.start_ms, case.period.zone),
            end=formats.moment(window.end_ms, case.period.zone),
            length=formats.duration(window.length_ms),
        )
        yield from sentences((*outcome.steps, *outcome.flags), formats)
