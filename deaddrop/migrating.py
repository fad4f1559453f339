"""
Migrating: bringing a database to the tables of this version.

    0001 -> 0002 -> 0003 -> 0004 -> ...
                            |       +- oldest_reader = "0004": 0004 still works with it
                            +- a version that knows the steps up to here

The steps are Alembic scripts in `deaddrop.migrations`; they need no configuration
file.  Either all missing steps are taken or none.  Each says which step the oldest
version has that can still work with what it makes, and the database remembers the
strictest, so that the release before can take over again (docs/adr/0025).
"""

import json
import os
import sqlite3
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Self

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, inspect, select
from sqlalchemy.engine import make_url

from deaddrop import schema
from deaddrop.engine import PAGE_BYTES, Database, plain_failures, sqlite_path
from deaddrop.errors import NotMigrated


@dataclass(frozen=True)
class Steps:
    """
    The steps that this version knows.

    Attributes:
        known: Their names, the first one first.

        oldest_reader: Which of them a version must know to work with a database that
            has taken all.
    """

    known: tuple[str, ...]
    oldest_reader: str

    @property
    def head(self) -> str:
        """The last of them."""
        return self.known[-1]

    def to_json(self) -> str:
        """Write them down for another version."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """
        Read what another version has written.

        Raises:
            ValueError: If it is not that.
        """
        try:
            untrusted = json.loads(untrusted_text)
            known, oldest_reader = untrusted["known"], untrusted["oldest_reader"]
        except (TypeError, KeyError, RecursionError):
            raise ValueError("these are no steps") from None
        if not isinstance(known, list) or not all(
            isinstance(name, str) for name in (*known, oldest_reader)
        ):
            raise ValueError("these are no steps")
        return cls(tuple(known), oldest_reader)


def migrate(url: str) -> None:
    """
    Bring the database at *url* to the tables of this version.

    An SQLite file is made if it is missing, readable by its owner only.  A database
    of a later version that this one can work with is left as it is.

    Raises:
        DeadDropUnavailable: If the database cannot be reached or written.

        NotMigrated: If it is of a later version that this one cannot work with.
    """
    prepare(url)
    steps = this_versions_steps()
    database = Database(url)
    try:
        with database.writing() as connection:
            if not _is_later(connection, steps.known):
                upgrade(connection, steps.head)
            elif not _is_readable(connection, steps.known):
                raise NotMigrated
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
    steps = this_versions_steps()
    if revision == steps.head:
        connection.execute(delete(schema.compatibility))
        connection.execute(
            insert(schema.compatibility),
            {"id": 1, "oldest_reader": steps.oldest_reader},
        )


def newest_revision() -> str:
    """Name the tables of this version."""
    return this_versions_steps().head


def known_revisions() -> list[str]:
    """Name the tables of this version and of all before it, the newest first."""
    return list(reversed(this_versions_steps().known))


def check_migrated(database: Database) -> None:
    """
    Make sure that this version can work with the tables of *database*.

    Raises:
        NotMigrated: If a step is missing, or one was taken that this version cannot
            work with.
    """
    steps = this_versions_steps()
    with database.reading() as connection:
        taken = MigrationContext.configure(connection).get_current_heads()
        if taken == (steps.head,):
            return
        if not _is_later(connection, steps.known) or not _is_readable(
            connection, steps.known
        ):
            raise NotMigrated


def this_versions_steps() -> Steps:
    """Return the steps that this version knows."""
    scripts = list(ScriptDirectory.from_config(_config()).walk_revisions())
    known = tuple(script.revision for script in reversed(scripts))
    # The steps before 0004 say nothing: no version can work with them but later ones.
    readers = (getattr(it.module, "oldest_reader", it.revision) for it in scripts)
    return Steps(known, oldest_reader=max(readers, key=known.index))


def _is_later(connection: Connection, known: Collection[str]) -> bool:
    taken = MigrationContext.configure(connection).get_current_heads()
    return bool(taken) and not set(taken) <= set(known)


def _is_readable(connection: Connection, known: Collection[str]) -> bool:
    if not inspect(connection).has_table(schema.compatibility.name):
        return False
    return connection.scalar(select(schema.compatibility.c.oldest_reader)) in known


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
