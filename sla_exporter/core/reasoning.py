"""Why a figure is what it is: steps with their facts, in the order of the calculation.

A step names what was done (its ``code``) and the facts it was done with; the sentence around them
is written where it is shown, in the reader's language. Console, mail, API and command line all
print this same list. Facts survive a trip through JSON exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sla_exporter.core.money import Money
from sla_exporter.core.policy.pay import Base, Pay, Unit


@dataclass(frozen=True, slots=True)
class Share:
    """A ratio that people read as a percentage; 1 is 100 %."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time."""

    ms: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, shown in the zone."""

    at_ms: int
    zone: str


@dataclass(frozen=True, slots=True)
class Exact:
    """An amount before rounding, in minor units of the currency."""

    minor: Fraction
    currency: str


Fact = Share | Duration | Moment | Money | Exact | Pay | int | str


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the explanation."""

    code: str
    facts: Mapping[str, Fact]


def step(code: str, **facts: Fact) -> Step:
    """Write a step down."""
    return Step(code, facts)


def step_to_json(value: Step) -> dict[str, object]:
    """Give the step as plain JSON values; fractions as ``numerator/denominator``."""
    return {"code": value.code, "facts": {k: _to_json(v) for k, v in value.facts.items()}}


def step_from_json(data: Mapping[str, object]) -> Step:
    """Read back what :func:`step_to_json` wrote."""
    facts = data["facts"]
    if not isinstance(facts, Mapping):
        raise TypeError(f"a step's facts are an object, not {facts!r}")
    return Step(str(data["code"]), {name: _from_json(value) for name, value in facts.items()})


def _to_json(fact: Fact) -> object:
    match fact:
        case Share(value):
            return {"share": str(value)}
        case Duration(ms):
            return {"duration_ms": ms}
        case Moment(at_ms, zone):
            return {"at_ms": at_ms, "zone": zone}
        case Money(minor=minor, currency=currency):
            return {"minor": minor, "currency": currency}
        case Exact(minor, currency):
            return {"exact_minor": str(minor), "currency": currency}
        case Pay(unit, amount, currency, of):
            return {"pay": str(amount), "unit": unit, "currency": currency, "of": of}
        case _:
            return fact


def _from_json(data: object) -> Fact:
    match data:
        case {"share": str(value)}:
            return Share(Fraction(value))
        case {"duration_ms": int(ms)}:
            return Duration(ms)
        case {"at_ms": int(at_ms), "zone": str(zone)}:
            return Moment(at_ms, zone)
        case {"minor": int(minor), "currency": str(currency)}:
            return Money(minor=minor, currency=currency)
        case {"exact_minor": str(value), "currency": str(currency)}:
            return Exact(Fraction(value), currency)
        case {"pay": str(amount), "unit": str(unit), "currency": str(currency), "of": of}:
            return Pay(Unit(unit), Fraction(amount), currency, Base(of) if of else None)
        case int() | str():
            return data
        case _:
            raise ValueError(f"not a fact of a reasoning step: {data!r}")
