"""
Homes: folders of gpg, under a path that leaves room for its sockets.

gpg asks its agent also where there is none, at a socket in its home, and the path of
a socket has room for 106 bytes.  Where the home's own path leaves too little, gpg is
given a short symbolic link to it in a private folder instead.
"""

import contextlib
import os
import shutil
import tempfile
import weakref
from pathlib import Path

# sockaddr_un.sun_path is 108 bytes and ends with a zero (unix(7)); GnuPG's
# libassuan leaves one more of them free, and does not use a longer one.
SOCKET_PATH_BYTES = 106
_LONGEST_SOCKET_NAME = "S.gpg-agent.browser"
_PREFIX = "bisik-"
_LINK = "home"


def leaves_room(folder: Path) -> bool:
    """Tell whether gpg's sockets can be in a folder, whose path is absolute."""
    return len(os.fsencode(folder / _LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES


class ShortPath:
    """Another path to a home, for as long as it is wanted."""

    def __init__(self, home: Path) -> None:
        """
        Args:
            home: Its absolute path.
        """
        folder = _private_folder()
        self.path = folder / _LINK
        self.path.symlink_to(home, target_is_directory=True)
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def close(self) -> None:
        """Remove it.  May be called twice."""
        self._remove()


def _private_folder() -> Path:
    """Make a folder of our own where paths are short enough, wherever TMPDIR is."""
    for parent in (Path("/tmp"), Path("/dev/shm")):  # noqa: S108 - Made by mkdtemp.
        if leaves_room(parent / f"{_PREFIX}12345678" / _LINK):
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    return Path(tempfile.mkdtemp(prefix=_PREFIX))
