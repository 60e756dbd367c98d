"""Billing: where a credit is being sent, and what reading it back found

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0006"
down_revision = '0005'
branch_labels = None
depends_on = None

_TEXT = sqlmodel.sql.sqltypes.AutoString
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("account", _TEXT(), nullable=True))
        outbox.add_column(sa.Column("sent_at_ms", sa.BigInteger(), nullable=True))
        outbox.drop_index("ix_outbox_state_due_at_ms")
        # With the key, the orders that are due come sorted as they are claimed.
        outbox.create_index(
            outbox.f("ix_outbox_state_due_at_ms_key"), ["state", "due_at_ms", "key"]
        )
        outbox.create_index(outbox.f("ix_outbox_sink_delivered_at_ms"), ["sink", "delivered_at_ms"])
    op.create_table(
        "billing_check",
        sa.Column("sink", _TEXT(), nullable=False),
        sa.Column("checked_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sink", name=op.f("pk_billing_check")),
    )
    op.create_table(
        "billing_difference",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("sink", _TEXT(), nullable=False),
        sa.Column("kind", _TEXT(), nullable=False),
        sa.Column("account", _TEXT(), nullable=False),
        sa.Column("reference", _TEXT(), nullable=False),
        sa.Column("sentence", _TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_difference")),
    )
    with op.batch_alter_table("billing_difference") as difference:
        difference.create_index(difference.f("ix_billing_difference_sink"), ["sink"])


def downgrade() -> None:
    op.drop_table("billing_difference")
    op.drop_table("billing_check")
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_index(outbox.f("ix_outbox_sink_delivered_at_ms"))
        outbox.drop_index(outbox.f("ix_outbox_state_due_at_ms_key"))
        outbox.create_index(outbox.f("ix_outbox_state_due_at_ms"), ["state", "due_at_ms"])
        outbox.drop_column("sent_at_ms")
        outbox.drop_column("account")
