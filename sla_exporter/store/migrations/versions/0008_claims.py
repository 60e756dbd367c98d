"""Claims, and until when settlements wait for one

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SAID = "claims are append-only"
_SETTLEMENT = ("claim_until_ms", "remind_at_ms")
_INDEXED = ("about", "settlement", "result")


def upgrade() -> None:
    for name in _SETTLEMENT:
        op.add_column("settlement", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_settlement_state_claim_until_ms"), "settlement", ["state", "claim_until_ms"]
    )
    op.create_table(
        "claim",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("settlement", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("by_whom", sa.String(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=True),
        sa.Column("end_ms", sa.BigInteger(), nullable=True),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("ticket_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("reasons", sa.String(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sa.UniqueConstraint("key", name=op.f("uq_claim_key")),
    )
    for name in _INDEXED:
        op.create_index(op.f(f"ix_claim_{name}"), "claim", [name])
    _protect()


def _protect() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER claim_no_{event.lower()} BEFORE {event} ON claim "
                f"BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION claim_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_SAID}'; END $$"
    )
    for event in ("UPDATE", "DELETE", "TRUNCATE"):
        op.execute(
            f"CREATE TRIGGER claim_no_{event.lower()} BEFORE {event} ON claim "
            "FOR EACH STATEMENT EXECUTE FUNCTION claim_refuse()"
        )


def downgrade() -> None:
    op.drop_table("claim")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION claim_refuse")
    op.drop_index(op.f("ix_settlement_state_claim_until_ms"), "settlement")
    for name in _SETTLEMENT:
        op.drop_column("settlement", name)
