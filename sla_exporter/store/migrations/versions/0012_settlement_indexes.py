"""Breaches, and what a customer has, are found without reading every settlement there ever was

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BREACHES = "ix_settlement_verdict_policy_service_state"
_CUSTOMERS = "ix_settlement_customer"


def upgrade() -> None:
    op.create_index(op.f(_BREACHES), "settlement", ["verdict", "policy", "service", "state"])
    op.create_index(op.f(_CUSTOMERS), "settlement", ["customer"])


def downgrade() -> None:
    op.drop_index(op.f(_CUSTOMERS), "settlement")
    op.drop_index(op.f(_BREACHES), "settlement")
