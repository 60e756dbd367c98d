"""The tables. Storage only: what is valid is decided before it gets here.

Time is integer milliseconds, money integer minor units, everywhere. Names of constraints follow a
convention, so that migrations can name them on both databases.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite counts up by itself only where the type is INTEGER, which has 64 bits there.
_Serial = BigInteger().with_variant(Integer, "sqlite")


class WatermarkRow(SQLModel, table=True):
    """How far a service was observed."""

    __tablename__ = "watermark"

    service: str = Field(primary_key=True)
    interval_ms: int = Field(sa_type=BigInteger)
    from_ms: int = Field(sa_type=BigInteger)
    fresh_until_ms: int = Field(sa_type=BigInteger)
    final_until_ms: int = Field(sa_type=BigInteger)


class SeriesRow(SQLModel, table=True):
    """A series ever seen; what was seen once is expected from then on."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("service", "labels"),)

    id: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
    service: str
    labels: str  # canonical JSON, an array of pairs


class WindowRow(SQLModel, table=True):
    """A stretch in which a series was not up."""

    __tablename__ = "series_window"
    __table_args__ = (Index(None, "series_id", "end_ms"),)

    id: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
    series_id: int = Field(foreign_key="series.id", sa_type=BigInteger)
    is_down: bool  # or else unknown
    start_ms: int = Field(sa_type=BigInteger)
    end_ms: int = Field(sa_type=BigInteger)


class IncidentRow(SQLModel, table=True):
    """An incident window as Alertmanager told it."""

    __tablename__ = "incident"
    __table_args__ = (Index(None, "ends_at_ms"),)

    fingerprint: str = Field(primary_key=True)
    starts_at_ms: int = Field(primary_key=True, sa_type=BigInteger)
    ends_at_ms: int | None = Field(default=None, sa_type=BigInteger)
    labels: str
    annotations: str


class WebhookRequestRow(SQLModel, table=True):
    """A webhook request, byte for byte (deflated): the evidence behind incident windows."""

    __tablename__ = "webhook_request"

    id: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
    received_at_ms: int = Field(sa_type=BigInteger, index=True)
    sender: str
    body: bytes = Field(sa_type=LargeBinary)
    truncated: int = 0
    problem: str | None = None


class SettlementRow(SQLModel, table=True):
    """The outcome of one contract and period."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("contract", "period"),
        Index(None, "period", "state"),
        Index(None, "contract", "period_end_ms"),
    )

    key: str = Field(primary_key=True)
    contract: str
    customer: str
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


class LedgerRow(SQLModel, table=True):
    """An entry of the ledger; triggers refuse UPDATE and DELETE."""

    __tablename__ = "ledger_entry"

    seq: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
    key: str = Field(unique=True)
    kind: str
    settlement: str = Field(foreign_key="settlement.key", index=True)
    customer: str
    contract: str
    policy: str
    form: str
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str
    extension_days: str  # an exact fraction
    may_terminate: bool
    posted_at_ms: int = Field(sa_type=BigInteger)
    previous_hash: str
    hash: str = Field(unique=True)


class NoticeRow(SQLModel, table=True):
    """A message to a customer, rendered once."""

    __tablename__ = "notice"

    key: str = Field(primary_key=True)
    settlement: str = Field(foreign_key="settlement.key", index=True)
    kind: str
    locale: str
    recipients: str  # JSON
    subject: str
    text: str
    html: str
    pictures: str  # JSON: content id to base64
    rendered_at_ms: int = Field(sa_type=BigInteger)


class OrderRow(SQLModel, table=True):
    """The outbox: what is to be delivered, and how that went."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "state", "due_at_ms", "key"),
        Index(None, "sink", "delivered_at_ms"),
    )

    key: str = Field(primary_key=True)
    sink: str
    kind: str
    about: str
    state: str  # pending, delivered or parked
    due_at_ms: int = Field(sa_type=BigInteger)
    attempts: int = 0
    owner: str | None = None
    lease_until_ms: int = Field(default=0, sa_type=BigInteger)
    reference: str | None = None
    error: str | None = None
    created_at_ms: int = Field(sa_type=BigInteger)
    delivered_at_ms: int | None = Field(default=None, sa_type=BigInteger)
    account: str | None = None  # where the credit goes, from the moment it is being sent
    sent_at_ms: int | None = Field(default=None, sa_type=BigInteger)  # while it may stand there


class BillingCheckRow(SQLModel, table=True):
    """When the credits in a billing system were last compared with the ledger."""

    __tablename__ = "billing_check"

    sink: str = Field(primary_key=True)
    checked_at_ms: int = Field(sa_type=BigInteger)


class BillingDifferenceRow(SQLModel, table=True):
    """What differed then."""

    __tablename__ = "billing_difference"

    id: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
    sink: str = Field(index=True)
    kind: str
    account: str
    reference: str
    sentence: str


class LeaseRow(SQLModel, table=True):
    """Which replica runs the jobs; the epoch counts how often that changed."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    owner: str | None = None
    epoch: int = Field(sa_type=BigInteger)
    granted_at_ms: int = Field(sa_type=BigInteger)
    expires_at_ms: int = Field(sa_type=BigInteger)


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


# Statements are written against these: they are typed, and what they touch is plain to see.
watermark = _table(WatermarkRow)
series = _table(SeriesRow)
series_window = _table(WindowRow)
incident = _table(IncidentRow)
webhook_request = _table(WebhookRequestRow)
settlement = _table(SettlementRow)
standing = _table(StandingRow)
ledger_entry = _table(LedgerRow)
notice = _table(NoticeRow)
outbox = _table(OrderRow)
billing_check = _table(BillingCheckRow)
billing_difference = _table(BillingDifferenceRow)
lease = _table(LeaseRow)
