"""Bring a database to the tables that this version of the code reads."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from ..errors import StudyError

MIGRATION_LOCK = 0x57F10C3  # of pg_advisory_xact_lock; any number that others do not use


def migrate(connection: Connection, revision: str = "head") -> None:
    """Run the missing migrations inside the connection's transaction: all or none, and one process at a time.

    Raises:
        StudyError: a newer version of the code made the database.
    """
    config = Config()
    # configparser would read a % of the path as its own
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    known = {found.revision for found in script.walk_revisions()}
    if current is not None and current not in known:
        raise StudyError(
            f"the database has revision {current}, made by a newer version; install that version to open it"
        )
    if current != (script.get_current_head() if revision == "head" else revision):
        command.upgrade(config, revision)
