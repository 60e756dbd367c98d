"""Field types of the configuration models: how text becomes a value of the core."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

from sla_exporter.core.matchers import Matcher
from sla_exporter.core.money import Money
from sla_exporter.core.quorum import Quorum
from sla_exporter.core.reasoning import Duration, Share
from sla_exporter.settings import quantities

if TYPE_CHECKING:
    from collections.abc import Callable


class Section(BaseModel):
    """A mapping in the configuration; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _from_text(parse: Callable[[str], Any]) -> PlainValidator:
    def validate(value: object) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"must be text, not {_kind(value)}")  # noqa: TRY004 - pydantic's way
        return parse(value)

    return PlainValidator(validate)


def _kind(value: object) -> str:
    names = {type(None): "nothing", bool: "true or false", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Percent = Annotated[Share, _from_text(quantities.parse_percent)]
Length = Annotated[Duration, _from_text(quantities.parse_duration)]
Amount = Annotated[Decimal, _from_text(quantities.parse_amount)]
Sum = Annotated[Money, _from_text(quantities.parse_money)]
Majority = Annotated[Quorum, _from_text(quantities.parse_quorum)]
Day = Annotated[date, _from_text(quantities.parse_day)]
Zone = Annotated[str, _from_text(quantities.parse_zone)]
Size = Annotated[int, _from_text(quantities.parse_size)]
LabelMatcher = Annotated[Matcher, _from_text(Matcher.parse)]
TextList = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
MatcherList = Annotated[tuple[LabelMatcher, ...], BeforeValidator(_one_or_many)]

# What a field of a core dataclass is read as; see settings.shapes.
BY_CORE_TYPE: dict[type, Any] = {
    Share: Percent,
    Duration: Length,
    Money: Sum,
    Quorum: Majority,
    date: Day,
    Matcher: LabelMatcher,
}
