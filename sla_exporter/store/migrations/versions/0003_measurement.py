"""Counted events, affected shares, unread time, disagreements.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what measuring keeps beside windows."""
    op.create_table(
        "event_day",
        sa.Column("series_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slots", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["series.id"], name=op.f("fk_event_day_series_id_series")
        ),
        sa.PrimaryKeyConstraint("series_id", "day_ms", name=op.f("pk_event_day")),
    )
    op.create_table(
        "partial_window",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("service", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("labels", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("share", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partial_window")),
    )
    op.create_index(op.f("ix_partial_window_service_end_ms"), "partial_window", ["service", "end_ms"])
    with op.batch_alter_table("watermark") as batch:
        batch.add_column(
            sa.Column(
                "unread", sqlmodel.sql.sqltypes.AutoString(), server_default="[]", nullable=False
            )
        )
    with op.batch_alter_table("standing") as batch:
        batch.add_column(
            sa.Column("disagreement_ms", sa.BigInteger(), server_default="0", nullable=False)
        )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("standing") as batch:
        batch.drop_column("disagreement_ms")
    with op.batch_alter_table("watermark") as batch:
        batch.drop_column("unread")
    op.drop_index(op.f("ix_partial_window_service_end_ms"), table_name="partial_window")
    op.drop_table("partial_window")
    op.drop_table("event_day")
