"""
In use: an upgrade has a server directory for itself, or waits until it has.

    every command that opens the dead drop   shared lock   for as long as it is open
    an upgrade that changes it               exclusive     refuses all others

What is written while an upgrade may still be undone would be lost with it.  So nobody
writes then: who comes meanwhile is refused, before anything is acknowledged.

A lock is flock(2) on the file upgrade.lock; the kernel lifts it however a process
ends.  Specified in docs/spec/server-directory.md.
"""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.errors import OpsError

LOCK = "upgrade.lock"
_LOOK_AGAIN_SECONDS = 0.2


class BeingUpgraded(OpsError):
    """This server is being upgraded, and nothing else may be done with it."""


class StillInUse(OpsError):
    """A command still has the dead drop open."""


@contextmanager
def in_use(directory: Path) -> Iterator[None]:
    """
    Keep upgrades away from a server directory for as long as the block lasts.

    Raises:
        BeingUpgraded: If one is under way.

        OSError: If the folder is not there, or not ours.
    """
    descriptor = open_lock(directory / LOCK)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BeingUpgraded(BeingUpgraded.__doc__) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def alone(descriptor: int, *, patience_seconds: float) -> Iterator[None]:
    """
    Have what a lock stands for to oneself, for as long as the block lasts.

    Args:
        descriptor: Of the lock's file, open.  Children to whom it is handed down keep
            the lock, too.

        patience_seconds: How long to wait for others to end.

    Raises:
        StillInUse: If they have not ended by then.
    """
    until = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > until:
                raise StillInUse(StillInUse.__doc__) from None
            time.sleep(_LOOK_AGAIN_SECONDS)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def open_lock(path: Path, *, make: bool = True) -> int:
    """
    Open the file of a lock.

    Args:
        path: Its name; a link is not followed.

        make: Whether to make it if it is missing.

    Raises:
        OSError: If it cannot be opened, or is no file.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags | (os.O_CREAT if make else 0), 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(f"{path} is not a file")
    return descriptor
