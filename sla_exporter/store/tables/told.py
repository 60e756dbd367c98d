"""What others told: alerts, exclusions, silences, second opinions, and requests as they came."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary
from sqlmodel import Field, SQLModel

from sla_exporter.store.tables.base import SERIAL


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

    id: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
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

    id: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
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

    id: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
    received_at_ms: int = Field(sa_type=BigInteger, index=True)
    sender: str
    body: bytes = Field(sa_type=LargeBinary)
    truncated: int = 0
    problem: str | None = None


class WebhookBacklogRow(SQLModel, table=True):
    """A webhook request whose windows are not joined yet."""

    __tablename__ = "webhook_backlog"

    request_id: int = Field(
        sa_column=Column(
            SERIAL, ForeignKey("webhook_request.id"), primary_key=True, autoincrement=False
        )
    )
