"""The ledger, and what it adds up to."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from sla_exporter.store.tables.base import SERIAL


class LedgerRow(SQLModel, table=True):
    """An entry of the ledger; triggers refuse UPDATE and DELETE."""

    __tablename__ = "ledger_entry"

    seq: int | None = Field(default=None, sa_column=Column(SERIAL, primary_key=True))
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
