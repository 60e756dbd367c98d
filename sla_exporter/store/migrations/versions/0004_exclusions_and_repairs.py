"""Exclusions, silences, notes on incidents, second opinions

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0004"
down_revision = '0003'
branch_labels = None
depends_on = None

_Text = sqlmodel.sql.sqltypes.AutoString
_Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_APPEND_ONLY = ("incident_note", "exclusion", "exclusion_withdrawal", "silence_version")
_SQLITE = """
CREATE TRIGGER {table}_no_{name} BEFORE {event} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""
_FUNCTION = """
CREATE FUNCTION append_only_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
"""
# For each statement, so that TRUNCATE and statements that touch no row are refused as well.
_POSTGRESQL = """
CREATE TRIGGER {table}_no_{name} BEFORE {event} ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION append_only_refuse()
"""


def upgrade() -> None:
    with op.batch_alter_table("incident") as batch_op:
        batch_op.add_column(sa.Column("contract", _Text(), nullable=True))
        batch_op.add_column(sa.Column("listed_at_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "incident_note",
        sa.Column("id", _Serial, nullable=False),
        sa.Column("fingerprint", _Text(), nullable=False),
        sa.Column("starts_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("what", _Text(), nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("who", _Text(), nullable=False),
        sa.Column("why", _Text(), nullable=False),
        sa.Column("noted_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_note")),
    )
    op.create_index(
        op.f("ix_incident_note_starts_at_ms"), "incident_note", ["starts_at_ms"]
    )
    op.create_table(
        "repair_mark",
        sa.Column("service", _Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_repair_mark")),
    )
    op.create_table(
        "exclusion",
        sa.Column("id", _Serial, nullable=False),
        sa.Column("service", _Text(), nullable=True),
        sa.Column("contract", _Text(), nullable=True),
        sa.Column("matchers", _Text(), nullable=False),
        sa.Column("kind", _Text(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("announced_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("who", _Text(), nullable=False),
        sa.Column("why", _Text(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exclusion")),
    )
    op.create_index(op.f("ix_exclusion_end_ms"), "exclusion", ["end_ms"])
    op.create_table(
        "exclusion_withdrawal",
        sa.Column("key", _Text(), nullable=False),
        sa.Column("who", _Text(), nullable=False),
        sa.Column("why", _Text(), nullable=False),
        sa.Column("withdrawn_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_exclusion_withdrawal")),
    )
    op.create_table(
        "silence_version",
        sa.Column("silence", _Text(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("starts_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("matchers", _Text(), nullable=False),
        sa.Column("created_by", _Text(), nullable=False),
        sa.Column("comment", _Text(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("silence", "updated_at_ms", name=op.f("pk_silence_version")),
    )
    op.create_index(op.f("ix_silence_version_ends_at_ms"), "silence_version", ["ends_at_ms"])
    op.create_table(
        "opinion",
        sa.Column("source", _Text(), nullable=False),
        sa.Column("contract", _Text(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("windows", _Text(), nullable=False),
        sa.Column("answered_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "source", "contract", "start_ms", "end_ms", name=op.f("pk_opinion")
        ),
    )
    _refuse_changes()


def _refuse_changes() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        op.execute(_FUNCTION)
    statement = _SQLITE if is_sqlite else _POSTGRESQL
    for table in _APPEND_ONLY:
        for event in ("UPDATE", "DELETE") if is_sqlite else ("UPDATE", "DELETE", "TRUNCATE"):
            op.execute(statement.format(table=table, name=event.lower(), event=event))


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in ("opinion", *reversed(_APPEND_ONLY), "repair_mark"):
        op.drop_table(table)  # and its triggers with it
    if not is_sqlite:
        op.execute("DROP FUNCTION append_only_refuse")
    with op.batch_alter_table("incident") as batch_op:
        batch_op.drop_column("listed_at_ms")
        batch_op.drop_column("contract")
