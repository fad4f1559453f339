"""
The copy of an SQLite dead drop that an upgrade can be undone with.

    deaddrop.db  --SQLite's own backup, checked, flushed--> deaddrop.db.before-upgrade
    deaddrop.db  <--renamed, in an undone upgrade---------- deaddrop.db.before-upgrade

It is there for as long as an upgrade is not decided: minutes.  It holds what the
database holds, sealed, and its owner alone can read it.  Whoever calls this has the
server directory for themselves (`ops.in_use`) and is its owner.

Putting back may be cut short anywhere, and done again.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from deaddrop.engine import plain_failures
from journalist_app.durable import remove_partials_of, sync_directory
from ops.errors import OpsError

_SUFFIX = ".before-upgrade"
# What SQLite keeps beside a database (sqlite.org/tempfiles.html).
_BESIDE = ("-wal", "-shm", "-journal")


class Undecided(OpsError):
    """An upgrade was cut short, and it is open which database counts."""


class DamagedDatabase(OpsError):
    """The database is damaged, so that no copy of it was made."""


def copy_database(database: Path) -> None:
    """
    Make the copy; an older one is replaced.

    Raises:
        DamagedDatabase: If SQLite finds something wrong with it.

        DeadDropUnavailable: If it cannot be read.

        OSError: If there is no room for it.
    """
    forget_copy(database)
    copy = _copy_of(database)
    partial = copy.with_name(f".{copy.name}.partial")
    # SQLite would make it readable for everybody.
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with (
            plain_failures(),
            closing(
                sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True)
            ) as here,
            closing(sqlite3.connect(partial)) as there,
        ):
            here.backup(there)
            if there.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise DamagedDatabase(DamagedDatabase.__doc__)
        os.fsync(descriptor)
    except BaseException:
        remove_partials_of(copy)
        raise
    finally:
        os.close(descriptor)
    partial.rename(copy)
    sync_directory(copy.parent)


def put_back(database: Path) -> bool:
    """
    Let the copy be the database again, if there is one.

    Returns:
        Whether there was.
    """
    copy = _copy_of(database)
    if not copy.exists():
        return False
    # First of all the log of the other database: SQLite would apply it to this one.
    for suffix in _BESIDE:
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    sync_directory(database.parent)
    copy.rename(database)
    sync_directory(database.parent)
    return True


def forget_copy(database: Path) -> None:
    """Remove the copy, and what an interrupted copying has left."""
    copy = _copy_of(database)
    remove_partials_of(copy)
    copy.unlink(missing_ok=True)
    sync_directory(copy.parent)


def refuse_undecided(database: Path) -> None:
    """
    Make sure that what is written now stays written.

    Raises:
        Undecided: If the copy is there, which may be put back.
    """
    if _copy_of(database).exists():
        raise Undecided(Undecided.__doc__)


def _copy_of(database: Path) -> Path:
    return database.with_name(database.name + _SUFFIX)
