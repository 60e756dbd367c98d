"""What the API answers and takes, as pydantic models; the OpenAPI description is made of them.

Money is decimal text with its currency, moments are RFC 3339 in UTC, ratios exact fractions as text
beside a number for reading.
"""

from __future__ import annotations

import re
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from sla_exporter.core.policy.case import ExclusionKind

T = TypeVar("T", bound=BaseModel)
_MATCHER = r'^\s*[a-zA-Z_][a-zA-Z0-9_]*\s*(=~|!~|!=|=)\s*("([^"\\]|\\.)*"|[^\s",{}]*)\s*$'
NUMBER = r"^\d{0,18}$"
_AMOUNT = r"^\d{1,15}(\.\d{1,4})?$"


def _amount(text: str) -> str:
    if not re.fullmatch(_AMOUNT, text, re.ASCII):
        raise ValueError(f'an amount is decimal text such as "12.50", not {text[:30]!r}')
    return text


# The patterns are for the description: what is wrong is said in sentences.
Matching = Annotated[str, WithJsonSchema({"type": "string", "pattern": _MATCHER})]
Amount = Annotated[
    str, AfterValidator(_amount), WithJsonSchema({"type": "string", "pattern": _AMOUNT})
]


class Model(BaseModel):
    """The base of all; unknown keys in a request are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Model):
    """What went wrong, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class Page(Model, Generic[T]):
    """A page of a list; ``next`` is what to give as ``after`` for the one that follows."""

    items: list[T]
    next: str | None = None


class Settlement(Model):
    """One contract and one period."""

    key: str
    customer: str
    contract: str
    service: str
    policy: str
    period: str
    start: str
    end: str
    availability: float | None
    availability_exact: str | None
    objective: float | None
    downtime_s: float
    unknown_s: float
    outages: list[Annotated[list[str], Field(min_length=2, max_length=2)]]
    verdict: str
    state: str
    holds: list[str]
    group: str
    revision: int
    fee: str
    credit: str
    currency: str
    form: str
    extension_days: float
    may_terminate: bool
    reasons: list[str]


class Credit(Model):
    """What a settlement owes, and where it stands; the key is what decisions name."""

    key: str
    customer: str
    contract: str
    policy: str
    period: str
    credit: str
    currency: str
    form: str
    extension_days: float
    may_terminate: bool
    state: str
    holds: list[str]
    group: str


class Incident(Model):
    """A window that Alertmanager told of."""

    fingerprint: str
    name: str
    start: str
    end: str | None
    labels: dict[str, str]
    annotations: dict[str, str]


class Exclusion(Model):
    """A window that is not to count, if the policy agrees; the key is what withdrawing names."""

    key: str
    service: str | None
    contract: str | None
    matchers: list[str]
    start: str
    end: str
    kind: str
    announced: str | None
    by: str
    reason: str
    withdrawn_by: str | None
    withdrawn_at: str | None


class ExclusionRequest(Model):
    """A window that an operator enters.

    It speaks of the contracts for which all that is given holds. Moments carry an offset. Without
    ``announced`` the window is announced now.
    """

    service: str | None = None
    contract: str | None = None
    matchers: list[Matching] = Field(default_factory=list, max_length=50)
    start: AwareDatetime
    end: AwareDatetime
    kind: ExclusionKind = ExclusionKind.MAINTENANCE
    announced: AwareDatetime | None = None
    reason: str = Field(min_length=1, max_length=2_000)


class WithdrawalRequest(Model):
    """An exclusion that is taken back; it stays in the records."""

    exclusion: str
    reason: str = Field(min_length=1, max_length=2_000)


class Withdrawn(Model):
    """What was taken back."""

    exclusion: str


class Decision(Model):
    """What a person decided."""

    settlement: str
    revision: int
    decision: str
    by: str
    reason: str
    credit: str
    currency: str
    at: str


class Entry(Model):
    """A line of the ledger."""

    seq: int
    posted_at: str
    key: str
    kind: str
    reference: str
    customer: str
    contract: str
    policy: str
    settlement: str
    form: str
    amount: str
    currency: str
    extension_days: str
    may_terminate: bool
    expires_at: str | None
    about: str
    by: str
    note: str
    previous_hash: str
    hash: str


class Balance(Model):
    """What a contract's entries add up to."""

    customer: str
    contract: str
    currency: str
    credited: str
    carried: str


class Customer(Model):
    """A customer of the configuration."""

    id: str
    name: str
    currency: str
    locale: str
    zone: str
    contracts: list[str]


class Contract(Model):
    """A contract of the configuration."""

    id: str
    customer: str
    service: str
    policy: str
    fee: str
    currency: str
    since: str
    until: str | None


class Exposure(Model):
    """What the open period of a contract would cost as of now, and what comes next."""

    contract: str
    customer: str
    service: str
    policy: str
    period: str
    currency: str
    credit: str
    is_down: bool
    next_hour: str
    next_after_s: float | None
    next_credit: str | None


class Paging(Model):
    """Where a page begins, and how long it is."""

    after: str = ""
    limit: int = Field(default=100, ge=1, le=1000)


class SettlementQuery(Paging):
    """Filters of settlements and credits."""

    customer: str | None = None
    contract: str | None = None
    service: str | None = None
    policy: str | None = None
    period: str | None = None
    state: Literal["observed", "held", "waiting", "posted", "rejected", "lapsed"] | None = None
    verdict: Literal["met", "breached", "undecided"] | None = None
    group: str | None = None


class IncidentQuery(Paging):
    """Filters of incidents."""

    after: str = Field(default="", pattern=r"^(\d{1,15}/[0-9a-f]{1,32})?$")
    fingerprint: str | None = None


class DecisionQuery(Paging):
    """Filters of decisions."""

    after: str = Field(default="", pattern=NUMBER)
    settlement: str | None = None
    kind: Literal["approve", "reject", "adjust", "again", "take back"] | None = None
    by: str | None = None


class LedgerQuery(Paging):
    """Filters of ledger entries."""

    after: str = Field(default="", pattern=NUMBER)
    customer: str | None = None
    contract: str | None = None
    settlement: str | None = None
    policy: str | None = None
    kind: Literal["grant", "reversal", "carry", "forfeit", "expiry"] | None = None


class CustomerQuery(Paging):
    """Filters of balances and contracts."""

    customer: str | None = None
    contract: str | None = None


class DecisionRequest(Model):
    """Which held credits are meant, by their keys or the names of groups, and why."""

    credits: list[str] = Field(min_length=1)
    reason: str = Field(min_length=1)


class AdjustRequest(Model):
    """The amount that one held credit is to have instead, and why."""

    credit: str
    amount: Amount
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    reason: str = Field(min_length=1)


class Decided(Model):
    """How many credits were decided, and which."""

    decided: int
    credits: list[str]


class Evidence(BaseModel):
    """An evidence pack; ``sla-exporter verify`` checks it."""

    model_config = ConfigDict(extra="allow")

    format: str
