"""Requests are kept first, and their windows joined after

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_backlog",
        sa.Column(
            "request_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["webhook_request.id"],
            name=op.f("fk_webhook_backlog_request_id_webhook_request"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_webhook_backlog")),
    )


def downgrade() -> None:
    op.drop_table("webhook_backlog")
