"""Kinds of ledger entries and balances, revisions, decisions, cases, exposure and API tokens

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = '0004'
branch_labels = None
depends_on = None

# Columns added to tables that may have rows; what they say of those is in the default.
_SETTLEMENT = (
    sa.Column("zone", sa.String(), nullable=False, server_default="UTC"),
    sa.Column("form", sa.String(), nullable=False, server_default="account credit"),
    sa.Column("expires_ms", sa.BigInteger(), nullable=True),
    sa.Column("kept_minor", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("revision", sa.Integer(), nullable=False, server_default="1"),
    sa.Column("hold_group", sa.String(), nullable=False, server_default=""),
)
_LEDGER = (
    sa.Column("about", sa.String(), nullable=False, server_default=""),
    sa.Column("by_whom", sa.String(), nullable=False, server_default=""),
    sa.Column("note", sa.String(), nullable=False, server_default=""),
    sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
)
_STANDING = (
    sa.Column("is_down", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("per_hour_minor", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("next_after_ms", sa.BigInteger(), nullable=True),
    sa.Column("next_credit_minor", sa.BigInteger(), nullable=True),
)
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SAID = "decisions are append-only"


def upgrade() -> None:
    for table, columns in (
        ("settlement", _SETTLEMENT),
        ("ledger_entry", _LEDGER),
        ("standing", _STANDING),
    ):
        for column in columns:
            op.add_column(table, column)
    op.create_index(op.f("ix_settlement_hold_group"), "settlement", ["hold_group"])
    op.create_index(op.f("ix_ledger_entry_expires_at_ms"), "ledger_entry", ["expires_at_ms"])
    op.create_table(
        "settlement_revision",
        sa.Column("settlement", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("replaced_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["settlement"],
            ["settlement.key"],
            name=op.f("fk_settlement_revision_settlement_settlement"),
        ),
        sa.PrimaryKeyConstraint("settlement", "revision", name=op.f("pk_settlement_revision")),
    )
    op.create_table(
        "policy_source",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_policy_source")),
    )
    op.create_table(
        "settlement_case",
        sa.Column("settlement", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("policy_hash", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("incidents", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["settlement"],
            ["settlement.key"],
            name=op.f("fk_settlement_case_settlement_settlement"),
        ),
        sa.ForeignKeyConstraint(
            ["policy_hash"],
            ["policy_source.hash"],
            name=op.f("fk_settlement_case_policy_hash_policy_source"),
        ),
        sa.PrimaryKeyConstraint("settlement", "revision", name=op.f("pk_settlement_case")),
    )
    op.create_table(
        "decision",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("settlement", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by_whom", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("decided_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["settlement"], ["settlement.key"], name=op.f("fk_decision_settlement_settlement")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_settlement"), "decision", ["settlement"])
    op.create_index(op.f("ix_decision_decided_at_ms"), "decision", ["decided_at_ms"])
    op.create_table(
        "ledger_balance",
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("credited_minor", sa.BigInteger(), nullable=False),
        sa.Column("carried_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "currency", name=op.f("pk_ledger_balance")),
    )
    op.create_index(op.f("ix_ledger_balance_customer"), "ledger_balance", ["customer"])
    op.create_table(
        "api_token",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_api_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_token_hash")),
    )
    # The entries that are there already are grants.
    op.execute(
        "INSERT INTO ledger_balance (contract, currency, customer, credited_minor, carried_minor) "
        "SELECT contract, currency, max(customer), sum(amount_minor), 0 FROM ledger_entry "
        "GROUP BY contract, currency"
    )
    _protect_decisions()


def _protect_decisions() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER decision_no_{event.lower()} BEFORE {event} ON decision "
                f"BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION decision_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_SAID}'; END $$"
    )
    for event in ("UPDATE", "DELETE", "TRUNCATE"):
        op.execute(
            f"CREATE TRIGGER decision_no_{event.lower()} BEFORE {event} ON decision "
            "FOR EACH STATEMENT EXECUTE FUNCTION decision_refuse()"
        )


def downgrade() -> None:
    for table in (
        "api_token",
        "ledger_balance",
        "decision",
        "settlement_case",
        "policy_source",
        "settlement_revision",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION decision_refuse")
    op.drop_index(op.f("ix_ledger_entry_expires_at_ms"), "ledger_entry")
    op.drop_index(op.f("ix_settlement_hold_group"), "settlement")
    for table, columns in (
        ("standing", _STANDING),
        ("ledger_entry", _LEDGER),
        ("settlement", _SETTLEMENT),
    ):
        for column in columns:
            op.drop_column(table, column.name)
