"""What goes out: notices, the outbox, and what was found in billing systems."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index
from sqlmodel import Field, SQLModel

from sla_exporter.store.tables.base import SERIAL


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

    id: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
    sink: str = Field(index=True)
    kind: str
    account: str
    reference: str
    sentence: str
