"""What was settled, from what, and what people decided and claimed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from sla_exporter.store.tables.base import SERIAL


class SettlementRow(SQLModel, table=True):
    """The outcome of one contract and period."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("contract", "period"),
        Index(None, "period", "state"),
        Index(None, "contract", "period_end_ms"),
        Index(None, "state", "claim_until_ms"),
        Index(None, "verdict", "policy", "service", "state"),
    )

    key: str = Field(primary_key=True)
    contract: str
    customer: str = Field(index=True)
    service: str
    policy: str
    period: str
    start_ms: int = Field(sa_type=BigInteger)
    end_ms: int = Field(sa_type=BigInteger)
    period_end_ms: int = Field(sa_type=BigInteger)
    state: str
    verdict: str
    holds: str  # comma-separated
    currency: str
    credit_minor: int = Field(sa_type=BigInteger)
    extension_days: str  # an exact fraction, as are the next two
    objective: str | None = None
    ratio: str | None = None
    may_terminate: bool
    fee_minor: int = Field(sa_type=BigInteger)
    counted_ms: int = Field(sa_type=BigInteger)
    down_ms: int = Field(sa_type=BigInteger)
    unknown_ms: int = Field(sa_type=BigInteger)
    reasoning: str  # JSON: the steps
    windows: str  # JSON: down and unknown windows
    settled_at_ms: int = Field(sa_type=BigInteger)
    zone: str
    form: str
    expires_ms: int | None = Field(default=None, sa_type=BigInteger)
    kept_minor: int = Field(sa_type=BigInteger)
    revision: int
    hold_group: str = Field(index=True)
    claim_until_ms: int | None = Field(default=None, sa_type=BigInteger)
    remind_at_ms: int | None = Field(default=None, sa_type=BigInteger)


class RevisionRow(SQLModel, table=True):
    """A settlement as it was before it was settled anew."""

    __tablename__ = "settlement_revision"

    settlement: str = Field(primary_key=True, foreign_key="settlement.key")
    revision: int = Field(primary_key=True)
    content: str  # JSON: the row
    replaced_at_ms: int = Field(sa_type=BigInteger)


class CaseRow(SQLModel, table=True):
    """What a settlement was computed from, so that anybody can compute it again."""

    __tablename__ = "settlement_case"

    settlement: str = Field(primary_key=True, foreign_key="settlement.key")
    revision: int = Field(primary_key=True)
    policy_hash: str = Field(foreign_key="policy_source.hash")
    content: str  # JSON: the case
    incidents: str  # JSON


class PolicySourceRow(SQLModel, table=True):
    """A version of a policy, as its file had it."""

    __tablename__ = "policy_source"

    hash: str = Field(primary_key=True)
    name: str
    source: str  # JSON


class DecisionRow(SQLModel, table=True):
    """What a person decided about a settlement; triggers refuse UPDATE and DELETE."""

    __tablename__ = "decision"

    id: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
    settlement: str = Field(foreign_key="settlement.key", index=True)
    revision: int
    kind: str
    by_whom: str
    reason: str
    credit_minor: int = Field(sa_type=BigInteger)
    currency: str
    decided_at_ms: int = Field(sa_type=BigInteger, index=True)


class ClaimRow(SQLModel, table=True):
    """A claim and what came of it; triggers refuse UPDATE and DELETE.

    A claim that came early has a further row when it was judged, which is ``about`` the first.
    """

    __tablename__ = "claim"

    id: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
    key: str = Field(unique=True)
    about: str = Field(index=True)
    settlement: str = Field(index=True)  # which may not be there yet
    revision: int
    contract: str
    channel: str
    by_whom: str
    received_at_ms: int = Field(sa_type=BigInteger)
    start_ms: int | None = Field(default=None, sa_type=BigInteger)
    end_ms: int | None = Field(default=None, sa_type=BigInteger)
    ticket: str
    ticket_at_ms: int | None = Field(default=None, sa_type=BigInteger)
    result: str = Field(index=True)
    reasons: str  # JSON: steps
    recorded_at_ms: int = Field(sa_type=BigInteger)


class StandingMarkRow(SQLModel, table=True):
    """A name for all standings together, another one whenever they are replaced."""

    __tablename__ = "standing_mark"

    name: str = Field(primary_key=True)
    mark: str


class StandingRow(SQLModel, table=True):
    """What a contract's open period looks like as of now; replaced at every reconciliation."""

    __tablename__ = "standing"

    contract: str = Field(primary_key=True)
    customer: str
    service: str
    policy: str
    period: str
    currency: str
    credit_minor: int = Field(sa_type=BigInteger)
    objective: str | None = None
    ratio: str | None = None
    down_ms: int = Field(sa_type=BigInteger)
    unknown_ms: int = Field(sa_type=BigInteger)
    disagreement_ms: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )
    is_down: bool
    per_hour_minor: int = Field(sa_type=BigInteger)
    next_after_ms: int | None = Field(default=None, sa_type=BigInteger)
    next_credit_minor: int | None = Field(default=None, sa_type=BigInteger)
