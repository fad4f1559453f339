"""
Keeping: names of backups, and how long one is kept.

    bisik-2026-11-25.gpg      the day, and nothing else
    bisik-2026-11-25-2.gpg    the second one of that day

A backup undoes what was deleted since.  So old ones go when a new one is there, and
never before.  Those that were carried elsewhere are their keeper's to destroy.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from ops.errors import OpsError

SUFFIX: Final = ".gpg"
_NAME: Final = re.compile(r"bisik-([0-9]{4}-[0-9]{2}-[0-9]{2})(?:-[0-9]{1,4})?\.gpg")
_PARTIAL: Final = ".bisik-"


class AnotherBackup(OpsError):
    """Another backup is being made in this folder."""


def free_path(folder: Path, day: date) -> Path:
    """Return the name of a day's next backup."""
    path = folder / f"bisik-{day}{SUFFIX}"
    number = 1
    while os.path.lexists(path):
        number += 1
        path = folder / f"bisik-{day}-{number}{SUFFIX}"
    return path


def remove_old(folder: Path, *, today: date, keep_days: int) -> int:
    """Remove the backups that are older than *keep_days*; return how many."""
    oldest = today - timedelta(days=keep_days)
    old = [path for path, day in backups_in(folder) if day < oldest]
    for path in old:
        path.unlink()
    return len(old)


def backups_in(folder: Path) -> list[tuple[Path, date]]:
    """List the backups of a folder with their days, the newest first."""
    found = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            try:
                found.append((path, date.fromisoformat(match[1])))
            except ValueError:
                # Somebody else's file: no day is written so.
                continue
    return sorted(found, key=lambda one: (one[1], one[0].name), reverse=True)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """
    Keep other backups out of a folder, and remove what a power-cut has left there.

    Raises:
        AnotherBackup: If one is being made.

        OSError: If there is no such folder.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnotherBackup(AnotherBackup.__doc__) from None
        for path in folder.iterdir():
            if path.name.startswith(_PARTIAL) and path.is_file():
                path.unlink()
        yield
    finally:
        os.close(descriptor)
