"""
Bundle folders: the bundles of a stick, in the order in which to import them.

    bundle-b.tar   after 0, through 7     1st
    bundle-a.tar   after 7, through 9     2nd
    notes.tar      no bundle              last: an import says what is wrong with it

A name says nothing about what is in a file, so the manifests are asked.  The older one
comes first: what it says of outboxes and officers is overtaken by the newer one, and
never the other way round.

What a desk itself has written to the same stick is left out, as its name tells, and so
is whatever is no regular file: a link on a stick leads wherever its maker likes.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from casework.bundle import MalformedBundle, read_bundle

# How the names begin of the archives that a desk's screens write.
OUTBOX, TRAINING_OUTBOX, CASE_FILE = "outbox-", "latihan-", "case-file-"
OWN_FILES = (OUTBOX, TRAINING_OUTBOX, CASE_FILE)


def archives_in(folder: Path) -> tuple[Path, ...]:
    """
    List the archives in a folder, not in those below it, that could be bundles.

    Raises:
        OSError: If the folder cannot be read.
    """
    return tuple(
        path
        for path in sorted(folder.iterdir())
        if path.suffix == ".tar"
        and not path.name.startswith(OWN_FILES)
        and _is_text(path)
        and _is_regular(path)
    )


def in_order(paths: Iterable[Path]) -> tuple[Path, ...]:
    """
    Sort bundles, the oldest first; what is none, or cannot be read, comes last.

    Reads no further than the manifests.
    """
    return tuple(sorted(paths, key=_place))


def _place(path: Path) -> tuple[bool, int, int, int, str]:
    try:
        with path.open("rb") as stream:
            manifest = read_bundle(stream).manifest
    except (MalformedBundle, OSError):
        return True, 0, 0, 0, path.name
    applied = manifest.applied.number if manifest.applied else 0
    # A server's numbers only rise, so the one that reaches further is the newer one.
    return False, manifest.through, applied, manifest.after, path.name


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        # Pulled out just now.
        return False


def _is_text(path: Path) -> bool:
    """Tell whether a name is text at all: whoever filled a stick chose it."""
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
