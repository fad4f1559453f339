"""
Durable: files and folders that are there whole, or not at all.

    .name.k3x9   written, flushed to the disk
    name         appears by renaming, and the folder is flushed, too

A stick is pulled out too early and a machine loses its power at the worst
moment.  Whoever finds a file made here under its name finds all of it.  Nothing
here replaces a file that exists, unless the caller says so.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def new_file(path: Path, *, replace: bool = False) -> Iterator[BinaryIO]:
    """
    Give a file that gets its name when the block ends without an exception.

    Args:
        path: Its name.  Until then it is a hidden neighbour of mode 0600.

        replace: Whether a file of that name may be replaced.

    Raises:
        FileExistsError: If there is one, and it may not.
    """
    if not replace:
        refuse_existing(path)
    descriptor, name = tempfile.mkstemp(prefix=_hidden(path), dir=path.parent)
    partial = Path(name)
    try:
        # Readable as well, for whoever reads back what they wrote.
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # Not os.link, which would never replace anything: the file systems of
        # sticks have no links.
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """
    Give a folder, mode 0700, that gets its name when the block ends well.

    Yields:
        The folder under its provisional name.

    Raises:
        FileExistsError: If there is anything of the name *path* already.
    """
    refuse_existing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=_hidden(path), dir=path.parent))
    try:
        yield partial
        sync_directory(partial)
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync_directory(path.parent)


def remove_partial_files(directory: Path) -> None:
    """Remove what an interrupted `new_file` has left in a folder of ours."""
    for partial in directory.glob(".*"):
        if partial.is_file():
            partial.unlink()


def remove_partials_of(path: Path) -> None:
    """Remove what an interrupted `new_file` of this very name has left beside it."""
    for neighbour in path.parent.iterdir():
        if neighbour.name.startswith(_hidden(path)) and neighbour.is_file():
            neighbour.unlink()


def refuse_existing(path: Path) -> None:
    """Raise `FileExistsError` if there is anything of this name."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def sync_directory(path: Path) -> None:
    """Make sure that the names in a folder survive a power-cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hidden(path: Path) -> str:
    return f".{path.name}."
