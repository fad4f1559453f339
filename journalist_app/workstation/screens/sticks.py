"""
Sticks: where bundles come from and outboxes go to.

Removable media are below /media and /run/media on Debian; a folder of the officer's own
stands in for them where the desk is tried out.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from journalist_app.workstation.desk import TRAINING_STICK, Desk

MEDIA = (Path("/media"), Path("/run/media"), Path("/mnt"))
MOST_FILES = 200
DEPTH = 3
# How the names begin of the archives that a desk's screens write.
OUTBOX, TRAINING_OUTBOX, CASE_FILE = "outbox-", "latihan-", "case-file-"
OWN_FILES = (OUTBOX, TRAINING_OUTBOX, CASE_FILE)


@dataclass(frozen=True)
class FileFound:
    """A file that could be a bundle."""

    path: Path
    size_bytes: int


def mounted_folders(media: tuple[Path, ...] = MEDIA) -> tuple[Path, ...]:
    """Return the folders of removable media that are mounted now."""
    found: list[Path] = []
    for root in media:
        for depth in range(1, DEPTH):
            found += [
                path
                for path in sorted(root.glob("/".join("*" * depth)))
                if path.is_dir() and os.path.ismount(path)
            ]
    return tuple(found)


def folders_for(
    desk: Desk, given: tuple[Path, ...], media: tuple[Path, ...] = MEDIA
) -> tuple[Path, ...]:
    """Return where bundles are looked for: a desk for training has one beside it."""
    own = (desk.path.absolute() / TRAINING_STICK,) if desk.record.training else ()
    return (*given, *own, *mounted_folders(media))


def bundles_in(folders: tuple[Path, ...]) -> tuple[FileFound, ...]:
    """
    List the bundles in folders, not in theirs: the newest first.

    What a desk itself has written to the same stick is not offered, as its name tells.
    Whether another archive is a bundle, an import finds out.
    """
    found = []
    for folder in folders:
        try:
            paths = [
                path
                for path in folder.iterdir()
                if path.suffix == ".tar" and not path.name.startswith(OWN_FILES)
            ]
        except OSError:
            continue
        for path in filter(_can_be_shown, paths):
            try:
                status = path.lstat()
            except OSError:
                # Pulled out just now.
                continue
            if stat.S_ISREG(status.st_mode):
                found.append((status.st_mtime, path, status.st_size))
    newest = sorted(found, reverse=True)[:MOST_FILES]
    return tuple(FileFound(path, size_bytes) for _time, path, size_bytes in newest)


def _can_be_shown(path: Path) -> bool:
    """Tell whether a name is text at all: whoever filled a stick chose it."""
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
