"""
Private memory: the folder for what must be gone when the power is.

The names of the mailbox's dummies may never reach a disk (docs/adr/0003).  They
are kept below a folder that is in memory, belongs to the service's user, and is
closed to everybody else.  All commands of one machine must find the same one.
"""

import os
import stat
from pathlib import Path

from ops.errors import NoPrivateMemory

MEMORY_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})

_MOUNTS = Path("/proc/self/mounts")
# Octal escapes of /proc/self/mounts, see getmntent(3).
_ESCAPES = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


def private_memory(configured: Path | None, *, uid: int) -> Path:
    """
    Return the folder, made with mode 0700 if need be.

    Args:
        configured: As bisik.toml names it; otherwise /run/bisik-UID if somebody
            made it, else /dev/shm/bisik-UID.

        uid: Of the user that the service runs as.

    Raises:
        NoPrivateMemory: If it is on a disk, not this user's, or open to others.
    """
    made_for_us = Path(f"/run/bisik-{uid}")
    fallback = made_for_us if made_for_us.is_dir() else Path(f"/dev/shm/bisik-{uid}")  # noqa: S108 - checked below.
    folder = configured or fallback
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        # Not through a symbolic link that somebody else may have put there.
        status = folder.lstat()
    except OSError as error:
        raise NoPrivateMemory(f"{folder} cannot be used: {error.strerror}") from None
    if not stat.S_ISDIR(status.st_mode):
        raise NoPrivateMemory(f"{folder} is not a folder")
    if status.st_uid != uid or stat.S_IMODE(status.st_mode) & 0o077:
        raise NoPrivateMemory(f"{folder} is not this user's alone (mode 0700)")
    kind = _file_system(folder.resolve())
    if kind not in MEMORY_FILE_SYSTEMS:
        raise NoPrivateMemory(f"{folder} is not in memory but on {kind or 'a disk'}")
    return folder


def is_in_memory(folder: Path) -> bool:
    """Tell whether what is written into a folder stays in memory."""
    return _file_system(folder.resolve()) in MEMORY_FILE_SYSTEMS


def _file_system(path: Path) -> str:
    """Return the kind of the file system that *path* is on."""
    found = ("", "")
    for line in os.fsdecode(_MOUNTS.read_bytes()).splitlines():
        _device, mount_point, kind, *_rest = line.split(" ")
        for escape, character in _ESCAPES:
            mount_point = mount_point.replace(escape, character)
        # The longest mount point counts; of equal ones, the last was put on top.
        if path.is_relative_to(mount_point) and len(mount_point) >= len(found[0]):
            found = (mount_point, kind)
    return found[1]
