"""
Copying: a whole dead drop as a row of small SQLite databases, and back.

    dead drop --one moment, table by table--> 1.sqlite 2.sqlite ... --> dead drop
    (SQLite or                                (about 4 MiB each)         (either)
     PostgreSQL)

The rows of each table come in the order of their keys, and no place, page, log or mark
of a transaction comes along: a copy tells less about when its rows were written than
the database itself does.  Sessions and counts of failed attempts are left out; they are
over when a copy is used.

Any sqlite3 opens the parts.  The memory that is needed does not grow with the dead
drop, and nothing is written to a disk.  Specified in docs/spec/backup.md.
"""

import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from typing import Any, Final

from sqlalchemy import Connection, MetaData, Table, exc, inspect, select
from sqlalchemy.engine import make_url

from deaddrop import schema
from deaddrop.engine import Database
from deaddrop.errors import DeadDropError
from deaddrop.migrating import (
    check_migrated,
    known_revisions,
    newest_revision,
    prepare,
    upgrade,
)

PART_BYTES: Final = 4 * 1024 * 1024
MOST_PART_BYTES: Final = 2 * PART_BYTES
LEFT_OUT: Final = (
    schema.session,
    schema.courier_session,
    schema.courier_throttle,
    # What is filled says by itself which versions can work with it.
    schema.compatibility,
)

# What a row can do wrong that another row has not.
_CONTRADICTIONS: Final = (exc.IntegrityError, exc.DataError, TypeError, ValueError)
_FEW_ROWS: Final = 4  # Pieces of items, 1 MiB each.
_MANY_ROWS: Final = 64  # Slots, 16 KiB each, and smaller ones.


class MalformedCopy(DeadDropError):
    """This is not a copy of a dead drop, or it is damaged."""


class NewerCopy(DeadDropError):
    """The copy was made by a newer version of Bisik."""


class NotEmpty(DeadDropError):
    """There is something in this database already; nothing is ever replaced."""


def copy_out(database: Database) -> Generator[bytes, None, None]:
    """
    Copy everything as it is at one moment, while others go on writing.

    Close the iterator (`contextlib.closing`): until then SQLite's log cannot be
    emptied.

    Raises:
        NotMigrated: If the tables are not those of this version.

        DeadDropUnavailable: If the database cannot be read.
    """
    check_migrated(database)
    with database.snapshot() as connection:
        part = _Part()
        for table in schema.metadata.sorted_tables:
            if table in LEFT_OUT:
                continue
            part.begin(table)
            with closing(_rows(connection, table)) as rows:
                for row in rows:
                    part.add(table, row)
                    if part.size_bytes >= PART_BYTES:
                        yield part.finish()
                        part = _Part()
                        part.begin(table)
        yield part.finish()


def copy_in(url: str, parts: Iterable[bytes], *, revision: str) -> None:
    """
    Fill an empty database from a copy, and bring it to the tables of this version.

    PostgreSQL is filled in one transaction, which ends after the last part: an
    iterator that raises leaves an empty database.  An SQLite file is made, and is
    rubbish after an error.

    Args:
        url: As for `deaddrop.migrate`.

        parts: As `copy_out` gave them.

        revision: Of the tables that were copied.

    Raises:
        NewerCopy, NotEmpty: As they say.

        MalformedCopy: If a part is not one, or the parts contradict one another.

        DeadDropUnavailable: If the database cannot be reached or written.
    """
    if revision not in known_revisions():
        raise NewerCopy(NewerCopy.__doc__)
    prepare(url)
    database = Database(url)
    try:
        with database.writing() as connection:
            if inspect(connection).get_table_names():
                raise NotEmpty(NotEmpty.__doc__)
            upgrade(connection, revision)
            if not database.is_sqlite:
                for part in parts:
                    _fill(connection, part)
                upgrade(connection, newest_revision())
        if database.is_sqlite:
            # One transaction would take the size of the dead drop a second time.
            for part in parts:
                with database.writing() as connection:
                    _fill(connection, part)
            with database.writing() as connection:
                upgrade(connection, newest_revision())
    finally:
        database.close()


def check_sound(url: str) -> None:
    """
    Let SQLite look at every page and every reference; PostgreSQL keeps its own.

    Raises:
        MalformedCopy: If it finds anything.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return
    database = Database(url)
    try:
        with database.reading() as connection:
            said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    finally:
        database.close()
    if said != ["ok"] or broken is not None:
        raise MalformedCopy(MalformedCopy.__doc__)


class _Part:
    """A database in memory that is being filled."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:", isolation_level=None)
        self._tables: set[str] = set()
        self.size_bytes = 0

    def begin(self, table: Table) -> None:
        # Columns without a type keep every value as it is.
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        self._database.execute(f'CREATE TABLE "{table.name}" ({columns})')

    def add(self, table: Table, row: Sequence[Any]) -> None:
        marks = ", ".join("?" * len(row))
        self._database.execute(f'INSERT INTO "{table.name}" VALUES ({marks})', row)  # noqa: S608 - A name of our own schema.
        self.size_bytes += sum(
            len(value) if isinstance(value, bytes | str) else 8 for value in row
        )

    def finish(self) -> bytes:
        with closing(self._database):
            return self._database.serialize()


def _rows(connection: Connection, table: Table) -> Generator[Sequence[Any], None, None]:
    """Read a table in the order of its key, some rows at a time."""
    at_once = _FEW_ROWS if table is schema.intake_chunk else _MANY_ROWS
    streaming = connection.execution_options(yield_per=at_once)
    with streaming.execute(select(table).order_by(*table.primary_key)) as result:
        for row in result:
            yield tuple(row)


def _fill(connection: Connection, part: bytes) -> None:
    """Insert the rows of one part."""
    if len(part) > MOST_PART_BYTES:
        raise MalformedCopy(f"a part is larger than {MOST_PART_BYTES} bytes")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        try:
            opened.deserialize(part)
            # What came from outside may define functions' worth of mischief.
            opened.execute("PRAGMA trusted_schema = OFF")
            opened.execute("PRAGMA cell_size_check = ON")
            for name in _tables_in(opened):
                _fill_table(connection, opened, name)
        except (sqlite3.Error, exc.NoSuchTableError, *_CONTRADICTIONS):
            # "from None": the driver's text may quote the rows it stumbled over.
            raise MalformedCopy(MalformedCopy.__doc__) from None
        except exc.DBAPIError:
            # The database that is being filled has a trouble of its own.
            raise
        except exc.StatementError:
            raise MalformedCopy(MalformedCopy.__doc__) from None


def _tables_in(opened: sqlite3.Connection) -> list[str]:
    """Name the tables of a part, in the order in which they were made."""
    ours = {table.name for table in schema.metadata.sorted_tables}
    named = opened.execute("SELECT type, name FROM sqlite_master ORDER BY rowid")
    found = named.fetchall()
    if any(kind != "table" or name not in ours for kind, name in found):
        raise MalformedCopy(MalformedCopy.__doc__)
    return [name for _kind, name in found]


def _fill_table(connection: Connection, opened: sqlite3.Connection, name: str) -> None:
    # Reflected, because an older copy has the columns of its time.
    table = Table(name, MetaData(), autoload_with=connection, resolve_fks=False)
    rows = opened.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - Of our own schema.
    columns = [column for column, *_rest in rows.description]
    if set(columns) != set(table.columns.keys()):
        raise MalformedCopy(MalformedCopy.__doc__)
    while some := rows.fetchmany(_MANY_ROWS):
        connection.execute(
            table.insert(), [dict(zip(columns, row, strict=True)) for row in some]
        )
