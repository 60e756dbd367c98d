"""What every family of credit formulas gives: an award, with the steps that led there.

A family is a frozen dataclass that is a :class:`Formula`; its fields are its YAML. It sees a
measured case and says what is due; what that is in money, and whether it is too much or too little,
is the engine's business.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sla_exporter.core.policy.pay import Pay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sla_exporter.core.policy.measure import Measured
    from sla_exporter.core.policy.terms import Objective
    from sla_exporter.core.reasoning import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """What a formula grants.

    Several pays are added up. ``by_outage`` says that there is one for each outage, so a cap for
    each outage can be applied. ``flags`` tell what the text does not decide and a person must.
    """

    pays: tuple[Pay, ...] = ()
    by_outage: bool = False
    steps: tuple[Step, ...] = ()
    flags: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """How the terms of service put it: sentences, and maybe a table of conditions and amounts."""

    said: tuple[Step, ...]
    rows: tuple[tuple[Step, Pay], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something about a policy that its author should know.

    It is ``wrong``, or else it is only left to a person. ``path`` leads to it from the policy.
    """

    said: Step
    path: tuple[str, ...] = ()
    wrong: bool = True


class Formula(ABC):
    """A family of credit formulas."""

    __slots__ = ()

    @abstractmethod
    def award(self, measured: Measured) -> Award:
        """Say what is due."""

    @abstractmethod
    def clause(self) -> Clause:
        """Say the same to a customer, before anything has happened."""

    def amounts(self) -> Iterator[Pay]:
        """Give every amount that it may pay."""
        pays = getattr(self, "pays", None)
        if isinstance(pays, Pay):
            yield pays

    def flaws(self, objective: Objective | None) -> Iterator[Flaw]:  # noqa: ARG002 - for some
        """Say what is wrong or undecided in it."""
        yield from ()


def one(pay: Pay, *steps: Step) -> Award:
    """Give an award of a single amount; none if it is nothing."""
    return Award(pays=() if pay.is_nothing else (pay,), steps=steps)


def undecided(flag: Step) -> Award:
    """Give no award, but the reason why a person must decide."""
    return Award(pays=(), flags=(flag,))
