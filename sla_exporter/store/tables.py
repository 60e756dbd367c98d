"""The tables. Storage only: what is valid is decided before it gets here.

Time is integer milliseconds, money integer minor units, everywhere. Names of constraints follow a
convention, so that migrations can name them on both databases.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)
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
    unread: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})  # JSON: windows


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


class EventDayRow(SQLModel, table=True):
    """The counted events of one series, slot by slot, of all slots that begin on one day (UTC)."""

    __tablename__ = "event_day"

    series_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("series.id"), primary_key=True, autoincrement=False)
    )
    day_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    slots: str  # JSON: start, end, good, total; counts are exact fractions


class PartialRow(SQLModel, table=True):
    """A stretch of downtime that hit only a share of the users."""

    __tablename__ = "partial_window"
    __table_args__ = (Index(None, "service", "end_ms"),)

    id: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
    service: str
    labels: str  # canonical JSON, an array of pairs
    start_ms: int = Field(sa_type=BigInteger)
    end_ms: int = Field(sa_type=BigInteger)
    share: str  # an exact fraction


class IncidentRow(SQLModel, table=True):
    """An incident window as Alertmanager told it."""

    __tablename__ = "incident"
    __table_args__ = (Index(None, "ends_at_ms"),)

    fingerprint: str = Field(primary_key=True)
    starts_at_ms: int = Field(primary_key=True, sa_type=BigInteger)
    ends_at_ms: int | None = Field(default=None, sa_type=BigInteger)
    labels: str
    annotations: str
    contract: str | None = None  # named by a person
    listed_at_ms: int | None = Field(default=None, sa_type=BigInteger)


class IncidentNoteRow(SQLModel, table=True):
    """What was changed about an incident window, by whom and why; triggers refuse any change."""

    __tablename__ = "incident_note"
    __table_args__ = (Index(None, "starts_at_ms"),)

    id: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
    fingerprint: str
    starts_at_ms: int = Field(sa_type=BigInteger)
    what: str
    ends_at_ms: int | None = Field(default=None, sa_type=BigInteger)
    who: str
    why: str
    noted_at_ms: int = Field(sa_type=BigInteger)


class RepairMarkRow(SQLModel, table=True):
    """How far incident windows were compared with the alerts in Prometheus."""

    __tablename__ = "repair_mark"

    service: str = Field(primary_key=True)
    until_ms: int = Field(sa_type=BigInteger)


class ExclusionRow(SQLModel, table=True):
    """A window that an operator wants excluded; triggers refuse any change."""

    __tablename__ = "exclusion"
    __table_args__ = (Index(None, "end_ms"),)

    id: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
    service: str | None = None
    contract: str | None = None
    matchers: str  # JSON
    kind: str
    start_ms: int = Field(sa_type=BigInteger)
    end_ms: int = Field(sa_type=BigInteger)
    announced_at_ms: int | None = Field(default=None, sa_type=BigInteger)
    who: str
    why: str
    recorded_at_ms: int = Field(sa_type=BigInteger)


class WithdrawalRow(SQLModel, table=True):
    """That an exclusion does not count any more; triggers refuse any change."""

    __tablename__ = "exclusion_withdrawal"

    key: str = Field(primary_key=True)
    who: str
    why: str
    withdrawn_at_ms: int = Field(sa_type=BigInteger)


class SilenceRow(SQLModel, table=True):
    """A version of one of Alertmanager's silences; triggers refuse any change."""

    __tablename__ = "silence_version"
    __table_args__ = (Index(None, "ends_at_ms"),)

    silence: str = Field(primary_key=True)
    updated_at_ms: int = Field(primary_key=True, sa_type=BigInteger)
    starts_at_ms: int = Field(sa_type=BigInteger)
    ends_at_ms: int = Field(sa_type=BigInteger)
    matchers: str  # JSON
    created_by: str
    comment: str
    seen_at_ms: int = Field(sa_type=BigInteger)


class OpinionRow(SQLModel, table=True):
    """What a second opinion said of a contract and a stretch of time."""

    __tablename__ = "opinion"

    source: str = Field(primary_key=True)
    contract: str = Field(primary_key=True)
    start_ms: int = Field(primary_key=True, sa_type=BigInteger)
    end_ms: int = Field(primary_key=True, sa_type=BigInteger)
    windows: str  # JSON: down and unknown windows
    answered_at_ms: int = Field(sa_type=BigInteger)


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
        Index(None, "state", "claim_until_ms"),
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

    id: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
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

    id: int | None = Field(default=None, sa_column=Column(_Serial, primary_key=True))
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
    about: str
    by_whom: str
    note: str
    expires_at_ms: int | None = Field(default=None, sa_type=BigInteger, index=True)
    previous_hash: str
    hash: str = Field(unique=True)


class BalanceRow(SQLModel, table=True):
    """What the entries of a contract add up to; kept with them, in the same transaction."""

    __tablename__ = "ledger_balance"

    contract: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    customer: str = Field(index=True)
    credited_minor: int = Field(sa_type=BigInteger)
    carried_minor: int = Field(sa_type=BigInteger)


class TokenRow(SQLModel, table=True):
    """A bearer token of the API; only its hash is known."""

    __tablename__ = "api_token"

    name: str = Field(primary_key=True)
    hash: str = Field(unique=True)
    scopes: str  # comma-separated
    created_at_ms: int = Field(sa_type=BigInteger)
    revoked_at_ms: int | None = Field(default=None, sa_type=BigInteger)


class NoticeRow(SQLModel, table=True):
    """A message to a customer, rendered once.

    It is about one settlement, or, as that of an outage and a digest, about none.
    """

    __tablename__ = "notice"

    key: str = Field(primary_key=True)
    settlement: str | None = Field(default=None, foreign_key="settlement.key", index=True)
    customer: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    kind: str
    locale: str
    recipients: str  # JSON
    subject: str
    text: str
    html: str
    pictures: str  # JSON: content id to base64
    documents: str = Field(default="{}", sa_column_kwargs={"server_default": "{}"})  # likewise
    facts: str = Field(default="{}", sa_column_kwargs={"server_default": "{}"})  # JSON
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
    state: str  # pending, held, gathered (the reference names the digest), delivered or parked
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


class ToldOutageRow(SQLModel, table=True):
    """An outage that its customer was told of, and until when it was seen to last."""

    __tablename__ = "told_outage"

    contract: str = Field(primary_key=True)
    start_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    seen_until_ms: int = Field(sa_type=BigInteger, index=True)
    customer: str = Field(index=True)
    notice: str
    told_at_ms: int = Field(sa_type=BigInteger)


class NoticeStopRow(SQLModel, table=True):
    """That a person stopped the sending of notices; there is a row while it is stopped."""

    __tablename__ = "notice_stop"

    name: str = Field(primary_key=True)
    who: str
    why: str
    stopped_at_ms: int = Field(sa_type=BigInteger)


class NoticeBatchRow(SQLModel, table=True):
    """When a sink began with the notices it is at, and when it was last seen to have any.

    Those after the first few wait until ``goes_on_at_ms``.
    """

    __tablename__ = "notice_batch"

    sink: str = Field(primary_key=True)
    began_at_ms: int = Field(sa_type=BigInteger)
    goes_on_at_ms: int = Field(sa_type=BigInteger)
    seen_at_ms: int = Field(sa_type=BigInteger)


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
event_day = _table(EventDayRow)
partial_window = _table(PartialRow)
incident = _table(IncidentRow)
incident_note = _table(IncidentNoteRow)
repair_mark = _table(RepairMarkRow)
exclusion = _table(ExclusionRow)
exclusion_withdrawal = _table(WithdrawalRow)
silence_version = _table(SilenceRow)
opinion = _table(OpinionRow)
webhook_request = _table(WebhookRequestRow)
settlement = _table(SettlementRow)
settlement_revision = _table(RevisionRow)
settlement_case = _table(CaseRow)
policy_source = _table(PolicySourceRow)
decision = _table(DecisionRow)
claim = _table(ClaimRow)
ledger_balance = _table(BalanceRow)
api_token = _table(TokenRow)
standing = _table(StandingRow)
ledger_entry = _table(LedgerRow)
notice = _table(NoticeRow)
outbox = _table(OrderRow)
told_outage = _table(ToldOutageRow)
notice_stop = _table(NoticeStopRow)
notice_batch = _table(NoticeBatchRow)
billing_check = _table(BillingCheckRow)
billing_difference = _table(BillingDifferenceRow)
lease = _table(LeaseRow)
