"""Breaches are counted without reading every settlement there ever was

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NAME = "ix_settlement_verdict_policy_service_state"


def upgrade() -> None:
    op.create_index(op.f(_NAME), "settlement", ["verdict", "policy", "service", "state"])


def downgrade() -> None:
    op.drop_index(op.f(_NAME), "settlement")
