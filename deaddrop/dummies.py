"""
Dummies: which mailbox rows are random bytes, as far as we still remember.

To put a real row in the place of a dummy the server must know a dummy from a
real row, and whatever is on its disk a seizer knows too.  The names of the
dummies are therefore kept only in a small file in memory (a tmpfs, such as
`/run/bisik`).  When the power is cut they are forgotten, and those dummies are
then, to us as well, rows like any other, until they expire.  The reasoning is in
docs/adr/0003.

    take() before a transaction     a crash in between forgets a dummy,
    add()  after it is committed    never touches a real row

A name in the file is a dummy's or nobody's: a real row's name never gets in.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deaddrop.chance import Chance, Entropy
from deaddrop.errors import DeadDropUnavailable, Reason
from deaddrop.schema import SLOT_NAME_BYTES


class KnownDummies:
    """
    The names of known dummies, shared by all processes of this machine.

    Args:
        path: Of the file, which is made when it is missing.  It must be on a file
            system that is gone when the machine is switched off, and the machine
            must not swap to an unencrypted disk.

        entropy: Decides the order in which names are taken.

    Every method raises `DeadDropUnavailable` if the file cannot be used.
    """

    def __init__(self, path: Path, *, entropy: Entropy = os.urandom) -> None:
        self._path = path
        self._chance = Chance(entropy)

    def take(self, count: int) -> list[bytes]:
        """
        Remove *count* names, or as many as there are, and return them.

        Names are taken at random, whenever they were added.
        """
        if count < 1:
            return []
        with self._opened() as file:
            names = self._chance.shuffled(_read(file))
            taken, kept = names[:count], names[count:]
            if taken:
                _write(file, kept)
            return taken

    def add(self, names: Iterable[bytes]) -> None:
        """Remember *names* as those of dummies."""
        added = list(names)
        if not added:
            return
        with self._opened() as file:
            _write(file, self._chance.shuffled([*_read(file), *added]))

    def peek(self) -> frozenset[bytes]:
        """Return all names without removing any."""
        with self._opened() as file:
            return frozenset(_read(file))

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Give the file, opened and locked against threads and processes."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self._path, flags, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                # Closing gives up the lock.
                os.close(file)
        except OSError as error:
            raise DeadDropUnavailable(
                Reason.OTHER,
                f"the list of known dummies, {self._path}, cannot be used: "
                f"{error.strerror}",
            ) from error


def _read(file: int) -> list[bytes]:
    content = os.pread(file, os.fstat(file).st_size, 0)
    # A process killed while writing may leave a torn or a repeated name.  Neither
    # does harm: the one is cut off here or names no row, the other counts once.
    whole = len(content) - len(content) % SLOT_NAME_BYTES
    names = (
        content[start : start + SLOT_NAME_BYTES]
        for start in range(0, whole, SLOT_NAME_BYTES)
    )
    return list(dict.fromkeys(names))


def _write(file: int, names: list[bytes]) -> None:
    content = b"".join(names)
    os.ftruncate(file, len(content))
    os.pwrite(file, content, 0)
