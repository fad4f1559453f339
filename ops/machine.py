"""
The machine: what the doctor looks at besides our own folders, as an edge.

    files of the kernel and of Debian     below `root`
    systemctl, apt-get                    `run`
    room on a file system                 `room`

Tests bring a folder in place of the root, and answers in place of programs.
"""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

COMMAND_SECONDS: Final = 60


@dataclass(frozen=True)
class Room:
    """
    What a file system has left.

    Attributes:
        device: Tells file systems apart.

        free_bytes: For users that are not root.

        free_inodes: How many more files there can be; None if it does not count them.
    """

    device: int
    free_bytes: int
    free_inodes: int | None


def run_command(words: Sequence[str]) -> str | None:
    """Run a program that only looks; return what it says, None if it failed."""
    try:
        said = subprocess.run(
            list(words),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            # What it says is read by a program.
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.decode("utf-8", "replace") if said.returncode == 0 else None


def room_at(path: Path) -> Room | None:
    """Return what the file system of *path* has left; None if there is no such path."""
    try:
        status = os.statvfs(path)
        device = path.stat().st_dev
    except OSError:
        return None
    return Room(
        device=device,
        free_bytes=status.f_bavail * status.f_frsize,
        free_inodes=status.f_favail if status.f_files else None,
    )


@dataclass(frozen=True)
class Machine:
    """
    A Debian machine.

    Attributes:
        root: What stands for "/".

        run: Runs a program.

        room: Looks at a file system.
    """

    root: Path = field(default=Path("/"))
    run: Callable[[Sequence[str]], str | None] = run_command
    room: Callable[[Path], Room | None] = room_at

    def path(self, absolute: str | Path) -> Path:
        """Return where an absolute path is on this machine."""
        return self.root / Path(absolute).relative_to("/")

    def text(self, absolute: str | Path) -> str | None:
        """Read a file; None if it is not there, or not for this user."""
        try:
            return self.path(absolute).read_bytes().decode("utf-8", "replace")
        except OSError:
            return None
