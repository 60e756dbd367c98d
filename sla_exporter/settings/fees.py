"""What a contract costs: its fee, other amounts that shares may be of, parts, and price changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from sla_exporter.core.money import Money
from sla_exporter.core.policy.pay import Base
from sla_exporter.settings.fields import Amount, Day, Section

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from sla_exporter.core.problems import Problem
    from sla_exporter.settings.document import Document, Key

OtherAmount = Literal["whole bill", "previous invoice", "next invoice", "annual fee", "renewal fee"]


class PriceChange(Section):
    """A fee that came into force on a day."""

    since: Day
    fee: Amount


class FeesModel(Section):
    """The amounts of a contract, in its customer's currency."""

    fee: Amount
    amounts: dict[OtherAmount, Amount] = Field(default_factory=dict)
    parts: dict[str, Amount] = Field(default_factory=dict)
    price_changes: tuple[PriceChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Fees:
    """The same as exact money."""

    fee: Money
    amounts: dict[Base, Money]
    parts: dict[str, Money]
    price_changes: tuple[tuple[date, Money], ...]


@dataclass(frozen=True, slots=True)
class FeeReader:
    """Reads amounts in a currency, and notes those that the currency cannot have."""

    currency: str
    document: Document
    problems: list[Problem]

    def read(self, model: FeesModel, at: Sequence[Key]) -> Fees | None:
        """Give all amounts of a contract, or ``None`` if one was wrong."""
        known = len(self.problems)
        amounts = {
            Base.ANNUAL_TWELFTH if name == "annual fee" else Base(name): money
            for name, money in self._mapping(model.amounts, (*at, "amounts")).items()
        }
        changes = [
            (change.since, self._money(change.fee, (*at, "price_changes", index)))
            for index, change in enumerate(model.price_changes)
        ]
        fees = Fees(
            fee=self._money(model.fee, (*at, "fee")),
            amounts=amounts,
            parts=self._mapping(model.parts, (*at, "parts")),
            price_changes=tuple(sorted(changes, key=lambda change: change[0])),
        )
        return None if len(self.problems) > known else fees

    def _mapping(
        self, given: dict[str, Decimal] | dict[OtherAmount, Decimal], at: Sequence[Key]
    ) -> dict[str, Money]:
        return {name: self._money(amount, (*at, name)) for name, amount in given.items()}

    def _money(self, amount: Decimal, at: Sequence[Key]) -> Money:
        try:
            return Money.of(amount, self.currency)
        except ValueError as error:
            name = at[-1] if isinstance(at[-1], str) else at[-2]
            self.problems.append(self.document.problem(at, f"{name}: {error}"))
            return Money(minor=0, currency=self.currency)
