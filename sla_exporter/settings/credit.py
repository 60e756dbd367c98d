"""The ``credit:`` section: one family of formulas, whose keys are the fields of its dataclass."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, create_model, model_validator

from sla_exporter.core.policy.families import FAMILIES
from sla_exporter.settings.fields import Section
from sla_exporter.settings.shapes import build, model_of


class _OneFamily(Section):
    """What all policies' ``credit:`` sections have in common."""

    of: Literal["service fee"] = "service fee"

    @model_validator(mode="after")
    def _exactly_one(self) -> _OneFamily:
        if len(self._given()) != 1:
            raise ValueError(f"give exactly one formula: {', '.join(sorted(FAMILIES))}")
        return self

    def _given(self) -> list[str]:
        return [name for name in FAMILIES if getattr(self, name) is not None]

    def formula(self) -> Any:
        """Give the formula that the section describes."""
        name = self._given()[0]
        return build(FAMILIES[name], getattr(self, name))


def _field(family: type) -> tuple[Any, None]:
    names = [item.name for item in fields(family)]

    def spell_out(value: object) -> object:
        """Let a family with a single field be given that field's value directly."""
        return {names[0]: value} if len(names) == 1 and isinstance(value, list) else value

    model: type[BaseModel] = model_of(family)
    return Annotated[model | None, BeforeValidator(spell_out)], None


_families: dict[str, Any] = {name: _field(family) for name, family in FAMILIES.items()}
CreditModel: Any = create_model("CreditModel", __base__=_OneFamily, **_families)
