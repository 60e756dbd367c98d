"""When what is shown of open periods was last replaced

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STRING = sqlmodel.sql.sqltypes.AutoString


def upgrade() -> None:
    op.create_table(
        "standing_mark",
        sa.Column("name", _STRING(), nullable=False),
        sa.Column("mark", _STRING(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_standing_mark")),
    )


def downgrade() -> None:
    op.drop_table("standing_mark")
