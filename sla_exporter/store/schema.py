"""The schema: brought up to date by migrations, and left alone where it is newer than we are.

While replicas are replaced, two versions share a database. A migration whose revision is a plain
number only adds: tables, and columns that older versions may leave out. So an older process may
start on a database that has more of those than it knows. A migration that does more must be named
otherwise, and older processes then refuse to start.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sla_exporter.errors import StoreTooNew

if TYPE_CHECKING:
    from sqlalchemy import Connection

ONLY_ADDS = re.compile(r"\d{4}")

_log = structlog.get_logger(__name__)


def alembic_config() -> AlembicConfig:
    """Point Alembic at the packaged migrations."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(connection: Connection) -> None:
    """Run the migrations that the database lacks, inside the caller's transaction.

    Raises:
        StoreTooNew: if it has one that we do not know and that may have done more than add.
    """
    config = alembic_config()
    scripts = ScriptDirectory.from_config(config)
    there, latest = MigrationContext.configure(connection).get_current_revision(), _head(scripts)
    if there is None or there in {script.revision for script in scripts.walk_revisions()}:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    elif ONLY_ADDS.fullmatch(there) and there > latest:
        _log.warning("the tables are of a newer version, which only added to them", revision=there)
    else:
        raise StoreTooNew(
            f"the database is of a newer version (its tables are at {there}, this version knows "
            f"them up to {latest}); start that version, or restore a backup from before it"
        )


def _head(scripts: ScriptDirectory) -> str:
    return scripts.get_current_head() or ""
