"""The copy of an SQLite dead drop, and how it becomes the dead drop again."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from deaddrop import DeadDropUnavailable
from ops.database_copy import (
    DamagedDatabase,
    Undecided,
    copy_database,
    forget_copy,
    put_back,
    refuse_undecided,
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with one row, and a write-ahead log."""
    path = tmp_path / "deaddrop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE report (title TEXT)")
        connection.execute("INSERT INTO report VALUES ('before')")
    return path


def write_and_die(database: Path, title: str) -> None:
    """Write a row as a process that is killed, which leaves its log behind."""
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(database)
        connection.execute("UPDATE report SET title = ?", (title,))
        connection.commit()
        os._exit(0)
    os.waitpid(child, 0)
    assert 0 < Path(f"{database}-wal").stat().st_size


def titles(database: Path) -> list[str]:
    """Read what is there."""
    with closing(sqlite3.connect(database)) as connection:
        return [title for (title,) in connection.execute("SELECT title FROM report")]


def test_a_copy_has_what_is_only_in_the_log(database: Path) -> None:
    """
    What was committed and not yet written to the file itself is copied, too.
    """
    write_and_die(database, "in the log")

    copy_database(database)

    (copy,) = database.parent.glob("*.before-upgrade")
    assert ["in the log"] == titles(copy)
    assert 0o600 == stat.S_IMODE(copy.stat().st_mode)


def test_the_log_of_the_changed_database_is_not_applied(database: Path) -> None:
    """
    A log that a killed migration has left goes before the copy comes back.
    """
    copy_database(database)
    write_and_die(database, "changed")

    assert put_back(database)

    assert ["before"] == titles(database)
    assert not put_back(database)
    assert ["before"] == titles(database)


def test_a_damaged_database_is_not_copied(database: Path) -> None:
    """
    A copy that could not bring the database back is not made.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany("INSERT INTO report VALUES (?)", [("x" * 900,)] * 100)
        connection.execute("CREATE INDEX titles ON report (title)")
    content = bytearray(database.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    database.write_bytes(content)
    before = database.read_bytes()

    with pytest.raises((DamagedDatabase, DeadDropUnavailable)):
        copy_database(database)

    assert before == database.read_bytes()
    assert [] == list(database.parent.glob("*before-upgrade*"))


def test_nobody_works_beside_a_copy(database: Path) -> None:
    """
    As long as it may be put back, nothing may be written; afterwards it may.
    """
    refuse_undecided(database)
    copy_database(database)
    with pytest.raises(Undecided):
        refuse_undecided(database)

    forget_copy(database)

    refuse_undecided(database)
    assert ["before"] == titles(database)
