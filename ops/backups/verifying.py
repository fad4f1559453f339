"""
Verifying: a backup is good if a server can be made from it, so one is made.

It is restored into a folder in memory, on the machine of whoever can open it, looked at
and thrown away.  A dead drop from PostgreSQL is restored into SQLite there: the copy is
the same.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from crypto.container import Readable
from ops.backups.archive import ONION, BackupReader
from ops.backups.restoring import Restored, receive_server
from ops.errors import ScratchOnDisk
from ops.memory import is_in_memory
from ops.onion import HOSTNAME, Onion
from ops.onion_keys import read_saved
from ops.server import DATABASE
from ops.settings import Settings
from tor.address import OnionAddress, parse_onion_address

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - Made by mkdtemp below it.


def verify_backup(
    stream: Readable, *, scratch: Path | None = None, on_disk: bool = False
) -> Restored:
    """
    Restore a backup into a folder that is thrown away, and say what is in it.

    Args:
        stream: What gpg gave.

        scratch: Where to make that folder; by default in memory.

        on_disk: Whether it may be on a disk, which should be encrypted then.

    Raises:
        ScratchOnDisk: If it is, and may not be.

        SealedBackup, MalformedBackup, MalformedContainer, MalformedCopy, NewerCopy:
            As they say.
    """
    where = scratch or MEMORY
    if not on_disk and not is_in_memory(where):
        raise ScratchOnDisk(ScratchOnDisk.__doc__)
    with tempfile.TemporaryDirectory(prefix="bisik-verify-", dir=where) as name:
        partial = Path(name)
        reader = _Watched(stream)
        found = receive_server(reader, partial, url=f"sqlite:///{partial / DATABASE}")
        addresses = _addresses(reader.saved)
    return Restored(reader.about, found, addresses)


class _Watched(BackupReader):
    """A backup of which the addresses are looked at, too."""

    def __init__(self, stream: Readable) -> None:
        super().__init__(stream)
        self.saved: dict[str, bytes] = {}

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for name, content in super().__iter__():
            if name.startswith(ONION):
                self.saved[name.removeprefix(ONION)] = content
            yield name, content


def _addresses(saved: dict[str, bytes]) -> tuple[OnionAddress, ...]:
    """Look at the addresses as a restoration does; return them."""
    if not saved:
        return ()
    onion = read_saved(Onion.of(Path("/"), Settings()), saved).onion
    return tuple(
        parse_onion_address(
            saved[f"{service.directory.name}/{HOSTNAME}"].decode("ascii")
        )
        for service in onion.services
    )
