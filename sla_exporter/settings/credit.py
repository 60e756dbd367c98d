"""The ``credit:`` section: a family of formulas, whose keys are the fields of its dataclass.

Or several credits in a list, of which the ``sum`` or the ``highest`` is given.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, create_model, model_validator

from sla_exporter.core.policy.families import FAMILIES
from sla_exporter.core.policy.pay import Base
from sla_exporter.core.policy.terms import Combination, Component, Credit, How
from sla_exporter.settings.fields import Section, TextList
from sla_exporter.settings.shapes import build, model_of

_COMBINATIONS = {"sum": How.SUM, "highest": How.HIGHEST}


class _OneFormula(Section):
    """What all ``credit:`` sections have in common."""

    of: Base | None = None
    minus: TextList | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> _OneFormula:
        if len(self._given()) != 1:
            known = ", ".join([*sorted(FAMILIES), *_COMBINATIONS])
            raise ValueError(f"give exactly one formula: {known}")
        self.credit(Base.SERVICE_FEE, ())  # what a formula refuses is told here, with its line
        return self

    def _given(self) -> list[str]:
        return [n for n in (*FAMILIES, *_COMBINATIONS) if getattr(self, n) is not None]

    def credit(self, of: Base, minus: tuple[str, ...]) -> Credit:
        """Give the credit that the section describes; the policy's base is for those without."""
        of = self.of or of
        minus = minus if self.minus is None else self.minus
        name = self._given()[0]
        value = getattr(self, name)
        if name in _COMBINATIONS:
            parts = tuple(part.credit(of, minus) for part in value)
            return Combination(how=_COMBINATIONS[name], parts=parts)
        formula = build(FAMILIES[name], value)
        return Component(formula=formula, of=of, minus=minus)


def _field(family: type) -> tuple[Any, None]:
    first = fields(family)[0].name

    def spell_out(value: object) -> object:
        """Let a family be given the value of its first field directly."""
        return value if isinstance(value, dict) or value is None else {first: value}

    model: type[BaseModel] = model_of(family)
    return Annotated[model | None, BeforeValidator(spell_out)], None


_fields: dict[str, Any] = {name: _field(family) for name, family in FAMILIES.items()}
_fields |= dict.fromkeys(_COMBINATIONS, (tuple["CreditModel", ...] | None, None))
CreditModel: Any = create_model("CreditModel", __base__=_OneFormula, **_fields)
CreditModel.model_rebuild(_types_namespace={"CreditModel": CreditModel})
