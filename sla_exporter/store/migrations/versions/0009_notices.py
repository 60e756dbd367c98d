"""Notices of no settlement, digests, outages told, and sending that a person can stop

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STRING = sqlmodel.sql.sqltypes.AutoString


def upgrade() -> None:
    op.add_column("notice", sa.Column("customer", _STRING(), nullable=False, server_default=""))
    op.add_column("notice", sa.Column("documents", _STRING(), nullable=False, server_default="{}"))
    op.add_column("notice", sa.Column("facts", _STRING(), nullable=False, server_default="{}"))
    with op.batch_alter_table("notice") as batch:
        batch.alter_column("settlement", existing_type=_STRING(), nullable=True)
    op.create_index(op.f("ix_notice_customer"), "notice", ["customer"])
    op.execute(
        "UPDATE notice SET customer = (SELECT customer FROM settlement "
        "WHERE settlement.key = notice.settlement)"
    )
    op.create_table(
        "told_outage",
        sa.Column("contract", _STRING(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("customer", _STRING(), nullable=False),
        sa.Column("notice", _STRING(), nullable=False),
        sa.Column("told_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "start_ms", name=op.f("pk_told_outage")),
    )
    op.create_index(op.f("ix_told_outage_seen_until_ms"), "told_outage", ["seen_until_ms"])
    op.create_index(op.f("ix_told_outage_customer"), "told_outage", ["customer"])
    op.create_table(
        "notice_stop",
        sa.Column("name", _STRING(), nullable=False),
        sa.Column("who", _STRING(), nullable=False),
        sa.Column("why", _STRING(), nullable=False),
        sa.Column("stopped_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notice_stop")),
    )
    op.create_table(
        "notice_batch",
        sa.Column("sink", _STRING(), nullable=False),
        sa.Column("began_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("goes_on_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sink", name=op.f("pk_notice_batch")),
    )


def downgrade() -> None:
    for table in ("notice_batch", "notice_stop", "told_outage"):
        op.drop_table(table)
    op.execute("DELETE FROM notice WHERE settlement IS NULL")
    op.drop_index(op.f("ix_notice_customer"), "notice")
    with op.batch_alter_table("notice") as batch:
        batch.alter_column("settlement", existing_type=_STRING(), nullable=False)
        for column in ("facts", "documents", "customer"):
            batch.drop_column(column)
