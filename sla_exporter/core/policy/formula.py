"""What every family of credit formulas gives: an award, with the steps that led there.

A family is a frozen dataclass with an ``award`` method; its fields are its YAML. It sees a measured
case and says what is due; what that is in money, and whether it is too much or too little, is the
engine's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sla_exporter.core.policy.pay import Pay

if TYPE_CHECKING:
    from sla_exporter.core.policy.measure import Measured
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


class Formula(Protocol):
    """A family of credit formulas."""

    def award(self, measured: Measured) -> Award:
        """Say what is due."""
        ...


def one(pay: Pay, *steps: Step) -> Award:
    """Give an award of a single amount; none if it is nothing."""
    return Award(pays=() if pay.is_nothing else (pay,), steps=steps)


def undecided(flag: Step) -> Award:
    """Give no award, but the reason why a person must decide."""
    return Award(pays=(), flags=(flag,))
