"""Who may use the API, and which replica runs the jobs."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from sla_exporter.store.tables import base  # noqa: F401 - names the constraints


class TokenRow(SQLModel, table=True):
    """A bearer token of the API; only its hash is known."""

    __tablename__ = "api_token"

    name: str = Field(primary_key=True)
    hash: str = Field(unique=True)
    scopes: str  # comma-separated
    created_at_ms: int = Field(sa_type=BigInteger)
    revoked_at_ms: int | None = Field(default=None, sa_type=BigInteger)


class LeaseRow(SQLModel, table=True):
    """Which replica runs the jobs; the epoch counts how often that changed."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    owner: str | None = None
    epoch: int = Field(sa_type=BigInteger)
    granted_at_ms: int = Field(sa_type=BigInteger)
    expires_at_ms: int = Field(sa_type=BigInteger)
