"""What was measured: series and their windows, and how far."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from sla_exporter.store.tables.base import SERIAL


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

    id: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
    service: str
    labels: str  # canonical JSON, an array of pairs


class WindowRow(SQLModel, table=True):
    """A stretch in which a series was not up."""

    __tablename__ = "series_window"
    __table_args__ = (Index(None, "series_id", "end_ms"),)

    id: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
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

    id: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
    service: str
    labels: str  # canonical JSON, an array of pairs
    start_ms: int = Field(sa_type=BigInteger)
    end_ms: int = Field(sa_type=BigInteger)
    share: str  # an exact fraction
