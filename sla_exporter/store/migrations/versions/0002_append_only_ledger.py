"""The ledger is append-only: the database refuses to change or remove an entry

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SAID = "the ledger is append-only"
_SQLITE = """
CREATE TRIGGER ledger_entry_no_{name} BEFORE {event} ON ledger_entry
BEGIN SELECT RAISE(ABORT, '{said}'); END
"""
_FUNCTION = """
CREATE FUNCTION ledger_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{said}'; END $$
"""
# For each statement, so that TRUNCATE and statements that touch no row are refused as well.
_POSTGRESQL = """
CREATE TRIGGER ledger_entry_no_{name} BEFORE {event} ON ledger_entry
FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_refuse()
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(_SQLITE.format(name=event.lower(), event=event, said=_SAID))
        return
    op.execute(_FUNCTION.format(said=_SAID))
    for event in ("UPDATE", "DELETE", "TRUNCATE"):
        op.execute(_POSTGRESQL.format(name=event.lower(), event=event))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("update", "delete"):
            op.execute(f"DROP TRIGGER ledger_entry_no_{name}")
        return
    for name in ("update", "delete", "truncate"):
        op.execute(f"DROP TRIGGER ledger_entry_no_{name} ON ledger_entry")
    op.execute("DROP FUNCTION ledger_entry_refuse")
