"""Field types of the configuration models: how text becomes a value of the core."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from email.utils import parseaddr
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

from sla_exporter.core.matchers import Matcher, parse_selector
from sla_exporter.core.money import Money
from sla_exporter.core.periods import PeriodRule
from sla_exporter.core.policy.claim import Deadline
from sla_exporter.core.policy.downtime import Affected
from sla_exporter.core.policy.exclusions import Budget, Recurring
from sla_exporter.core.policy.pay import Pay, Unit
from sla_exporter.core.policy.terms import Grace, Objective
from sla_exporter.core.policy.trial import Written
from sla_exporter.core.quorum import Quorum
from sla_exporter.core.reasoning import Duration, Share
from sla_exporter.core.texts import is_mail_address
from sla_exporter.core.urls import unambiguous
from sla_exporter.settings import phrases, quantities
from sla_exporter.settings.moments import Point, Stretch, parse_point, parse_stretch

if TYPE_CHECKING:
    from collections.abc import Callable

_URL = re.compile(r"https?://\S+")


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


def one_or_many(value: object) -> object:
    """Let one stand for a list of one."""
    return [value] if isinstance(value, str) else value


Percent = Annotated[Share, _from_text(quantities.parse_percent)]
Length = Annotated[Duration, _from_text(quantities.parse_duration)]
Interval = Annotated[Duration, _from_text(quantities.parse_interval)]
Amount = Annotated[Decimal, _from_text(quantities.parse_amount)]
Sum = Annotated[Money, _from_text(quantities.parse_money)]
SumList = Annotated[tuple[Sum, ...], BeforeValidator(one_or_many)]
Majority = Annotated[Quorum, _from_text(quantities.parse_quorum)]
Day = Annotated[date, _from_text(quantities.parse_day)]
Zone = Annotated[str, _from_text(quantities.parse_zone)]
Count = Annotated[int, _from_text(quantities.parse_count)]
Size = Annotated[int, _from_text(quantities.parse_size)]
LabelMatcher = Annotated[Matcher, _from_text(Matcher.parse)]
Selector = Annotated[str, _from_text(parse_selector)]
TextList = Annotated[tuple[str, ...], BeforeValidator(one_or_many)]
MatcherList = Annotated[tuple[LabelMatcher, ...], BeforeValidator(one_or_many)]


def _written(text: str) -> Written:
    decimals = len(text.strip().rstrip("% ").partition(".")[2])
    return Written(quantities.parse_percent(text).value, decimals)


def _address(text: str) -> str:
    if not is_mail_address(text):
        raise ValueError(f"{text!r} is not an e-mail address; write it as in ops@acme.example")
    return text


def _sender(text: str) -> str:
    """Take an address that may have a name: ``Billing <billing@example.com>``."""
    _address(parseaddr(text)[1] or text)
    return text


def _url(text: str) -> str:
    # The text is not shown: it may hold a password.
    if not _URL.fullmatch(text):
        raise ValueError("must begin with http:// or https:// and have no spaces")
    return unambiguous(text)


def _days(text: str) -> Fraction:
    pay = phrases.parse_pay(text)
    if pay.unit is not Unit.DAYS:
        raise ValueError(f"{text!r} is not a number of days; write it as in 3 days")
    return pay.amount


Address = Annotated[str, _from_text(_address)]
AddressList = Annotated[tuple[Address, ...], BeforeValidator(one_or_many)]
Url = Annotated[str, _from_text(_url)]
Sender = Annotated[str, _from_text(_sender)]
WrittenPercent = Annotated[Written, _from_text(_written)]
Days = Annotated[Fraction, _from_text(_days)]
PayPhrase = Annotated[Pay, _from_text(phrases.parse_pay)]
ObjectivePhrase = Annotated[Objective, _from_text(phrases.parse_objective)]
Notice = Annotated[int, _from_text(phrases.parse_notice)]
BudgetPhrase = Annotated[Budget, _from_text(phrases.parse_budget)]
GracePhrase = Annotated[Grace, _from_text(phrases.parse_grace)]
AffectedShare = Annotated[Affected, _from_text(phrases.parse_affected)]
Within = Annotated[Deadline, _from_text(phrases.parse_within)]
MomentPhrase = Annotated[Point, _from_text(parse_point)]
StretchPhrase = Annotated[Stretch, _from_text(parse_stretch)]
RecurringPhrase = Annotated[Recurring, _from_text(phrases.parse_recurring)]
RecurringPhrases = Annotated[tuple[RecurringPhrase, ...], BeforeValidator(one_or_many)]


def _period(value: object) -> PeriodRule:
    """Read a phrase, or a phrase with its zone: ``{calendar_month: America/Sao_Paulo}``."""
    if isinstance(value, dict) and len(value) == 1:
        ((phrase, zone),) = value.items()
        return replace(phrases.parse_period(str(phrase)), zone=quantities.parse_zone(str(zone)))
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {_kind(value)}")  # noqa: TRY004 - pydantic's way
    return phrases.parse_period(value)


PeriodPhrase = Annotated[PeriodRule, PlainValidator(_period)]

# What a field of a core dataclass is read as; see settings.shapes.
BY_CORE_TYPE: dict[type, Any] = {
    Share: Percent,
    Duration: Length,
    Money: Sum,
    Quorum: Majority,
    date: Day,
    Matcher: LabelMatcher,
    Pay: PayPhrase,
}
