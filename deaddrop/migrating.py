"""
Migrating: bringing a database to the tables of this version.

The steps are Alembic scripts in `deaddrop.migrations`; they need no configuration
file.  Either all missing steps are taken or none.
"""

import os
import sqlite3

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from deaddrop.engine import PAGE_BYTES, Database, plain_failures, sqlite_path
from deaddrop.errors import NotMigrated


def migrate(url: str) -> None:
    """
    Bring the database at *url* to the tables of this version.

    An SQLite file is made if it is missing, readable by its owner only.

    Raises:
        DeadDropUnavailable: If the database cannot be reached or written.
    """
    prepare(url)
    database = Database(url)
    try:
        with database.writing() as connection:
            upgrade(connection, newest_revision())
    finally:
        database.close()


def prepare(url: str) -> None:
    """
    Make the SQLite file at *url* if it is missing; PostgreSQL makes its own.

    Raises:
        DeadDropUnavailable: If it cannot be made.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with plain_failures():
            _prepare_sqlite(os.fspath(sqlite_path(parsed)))


def upgrade(connection: Connection, revision: str) -> None:
    """Take the missing steps up to *revision*, in the transaction of *connection*."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def newest_revision() -> str:
    """Name the tables of this version."""
    return known_revisions()[0]


def known_revisions() -> list[str]:
    """Name the tables of this version and of all before it, the newest first."""
    steps = ScriptDirectory.from_config(_config()).walk_revisions()
    return [step.revision for step in steps]


def check_migrated(database: Database) -> None:
    """
    Make sure that *database* has the tables of this version.

    Raises:
        NotMigrated: If a step is missing, or one is unknown to this version.
    """
    wanted = ScriptDirectory.from_config(_config()).get_heads()
    with database.reading() as connection:
        if MigrationContext.configure(connection).get_current_heads() != tuple(wanted):
            raise NotMigrated


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "deaddrop:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _prepare_sqlite(path: str) -> None:
    """Make the file if it is missing, with what can only be set at the start."""
    # SQLite would make it readable for everybody; the log takes over its mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
