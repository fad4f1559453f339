"""
Steps: bringing a casebook that an older version made to the tables of this one.

    casebook.db (3) --copied--> casebook.db.version-3
         |
         +-- one transaction: step 3 -> 4, 4 -> 5, ..., all keys fit, the new number
         |
    casebook.db (5) --whole?--> the copy is removed

A step is SQL that never changes again: it must not follow the tables of `casebook`,
which go on.  All missing steps are taken or none, wherever the program is killed.
The copy is for what no transaction helps against: a disk that fails while it is written
to.  It is encrypted like the casebook, with the same key.

Specified in docs/spec/desk-directory.md; why not Alembic: docs/adr/0039.
This module opens nothing: the connection is passed in.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from journalist_app.durable import new_file, sync_directory
from journalist_app.workstation.errors import (
    CasebookTooNew,
    CasebookTooOld,
    CasebookUnreadable,
    NoRoomForCopy,
)

VERSION = 5  # Of the tables; kept in SQLite's own "user_version".

Step = Callable[[Any], None]
"""Takes a connection of the driver, in a transaction; named by where it begins."""


def _remember_former_servers(connection: Any) -> None:
    # Casebooks of version 3 that were opened by a Bisik that could move a desk already
    # have it.
    connection.execute(
        "CREATE TABLE IF NOT EXISTS former ("
        "installation BLOB NOT NULL, left_day INTEGER NOT NULL, "
        "PRIMARY KEY (installation))"
    )


def _hold_back_what_was_not_decided(connection: Any) -> None:
    # A projection: filled for a case when something next happens in it.
    connection.execute(
        "CREATE TABLE held ("
        "case_id BLOB NOT NULL, digest BLOB NOT NULL, desk_id VARCHAR NOT NULL, "
        "PRIMARY KEY (case_id, digest, desk_id), "
        'FOREIGN KEY(case_id) REFERENCES "case" (case_id))'
    )


STEPS: Mapping[int, Step] = {
    3: _remember_former_servers,
    4: _hold_back_what_was_not_decided,
}


def bring_up(path: Path, connection: Any, *, steps: Mapping[int, Step] = STEPS) -> None:
    """
    Take the steps that a casebook lacks.

    Args:
        path: Of the casebook's file; nobody else works on it.

        connection: Of the driver, opened with its key, in no transaction.

        steps: By the version at which each begins, without a gap.

    Raises:
        CasebookTooNew: If a newer version made it.

        CasebookTooOld: If no step leads here from what made it.

        NoRoomForCopy: If it cannot be copied before.

        CasebookUnreadable: If it is damaged.
    """
    target = max(steps) + 1
    # Not just read: what a killed program has left half done is taken back first.
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("COMMIT")
    if version > target:
        raise CasebookTooNew(
            f"the casebook has version {version} of the tables, and this Bisik knows "
            f"those up to {target}"
        )
    if version < target:
        if version not in steps:
            raise CasebookTooOld(
                f"the casebook has version {version} of the tables, and this Bisik "
                f"can use those from {min(steps)} on"
            )
        _copy(path, version)
        _take(connection, range(version, target), steps)
    copies = copies_of(path)
    if copies:
        _check_whole(connection)
        for copy in copies:
            copy.unlink()
        sync_directory(path.parent)


def copies_of(path: Path) -> list[Path]:
    """Return the copies of a casebook that an update has left beside it."""
    return sorted(path.parent.glob(f"{path.name}.version-*"))


def _copy(path: Path, version: int) -> None:
    copy = path.with_name(f"{path.name}.version-{version}")
    try:
        # One that is there already is of an update that came to nothing.
        with path.open("rb") as source, new_file(copy, replace=True) as target:
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise NoRoomForCopy(
            f"the casebook ({path.stat().st_size} bytes) cannot be copied before it is "
            f"brought to the tables of this version: {error.strerror}"
        ) from None


def _take(connection: Any, versions: range, steps: Mapping[int, Step]) -> None:
    # A table that others refer to can be made anew only without this (SQLite, "Making
    # Other Kinds Of Table Schema Changes"); inside a transaction it has no effect.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for version in versions:
                steps[version](connection)
            if connection.execute("PRAGMA foreign_key_check").fetchone():
                raise CasebookUnreadable("rows of the casebook refer to none")
            connection.execute(f"PRAGMA user_version = {versions.stop}")
        except BaseException:
            connection.rollback()
            raise
        connection.execute("COMMIT")
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _check_whole(connection: Any) -> None:
    for pragma, whole in (("cipher_integrity_check", []), ("quick_check", [("ok",)])):
        if connection.execute(f"PRAGMA {pragma}").fetchall() != whole:
            raise CasebookUnreadable("the casebook was damaged while it was updated")
