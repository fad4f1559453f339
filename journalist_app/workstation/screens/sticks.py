"""
Sticks: where bundles come from and outboxes go to.

Removable media are below /media and /run/media on Debian; a folder of the officer's own
stands in for them where the desk is tried out.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from journalist_app.workstation.bundle_folder import archives_in
from journalist_app.workstation.desk import TRAINING_STICK, Desk

MEDIA = (Path("/media"), Path("/run/media"), Path("/mnt"))
MOST_FILES = 200
DEPTH = 3


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

    Whether another archive is a bundle, an import finds out.
    """
    found = []
    for folder in folders:
        try:
            paths = archives_in(folder)
        except OSError:
            continue
        for path in paths:
            try:
                status = path.lstat()
            except OSError:
                # Pulled out just now.
                continue
            found.append((status.st_mtime, path, status.st_size))
    newest = sorted(found, reverse=True)[:MOST_FILES]
    return tuple(FileFound(path, size_bytes) for _time, path, size_bytes in newest)
