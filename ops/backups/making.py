"""
Making: one sealed file with everything that a new machine needs.

    owner of the server directory          root
    settings, keyring, copy of       --->  checks it, adds the addresses,
    the dead drop, as an archive           writes the manifest ---> gpg ---> file

The dead drop's rows and tor's keys meet in root's process, and in no other; what the
owner sends is read as strictly as a backup from outside.  Nothing readable is on a
disk, and the memory needed does not grow with the dead drop.  What was written is read
back before it gets its name.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, time
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, Final

from crypto.fingerprint import Fingerprint
from crypto.packets import EnvelopeReader
from crypto.recipients import sealing_to_keys
from deaddrop.copying import copy_out
from deaddrop.engine import Database
from deaddrop.migrating import newest_revision
from journalist_app.durable import new_file
from ops.backups.archive import (
    ONION,
    SERVER,
    SMALL_FILE_BYTES,
    About,
    BackupReader,
    BackupWriter,
    is_server_file,
)
from ops.backups.keeping import free_path, only_one, remove_old
from ops.delegating import OwnersEnd, working_with_owner
from ops.edge import Edge
from ops.errors import OpsError
from ops.in_use import LOCK, in_use
from ops.onion import Onion
from ops.onion_keys import saved_files
from ops.server import DATABASE, KEYRING, database_url, read_profile, read_settings

KEYRING_FILES: Final = ("pubring.kbx", "trustdb.gpg", "admitted.json")
PIECE_BYTES: Final = 1024 * 1024


class NotWhatWasWritten(OpsError):
    """What was written cannot be read back: the disk may be failing."""


class OddFile(OpsError):
    """A file in the server directory cannot be one of ours."""


@dataclass(frozen=True)
class Made:
    """
    A backup that was written and read back.

    Attributes:
        path: Where it is.

        size_bytes: Of the file.

        sha256: Of the file, in hexadecimal digits.

        recipients: Who can open it.

        refused: Whose key was not fit, and why.

        removed: How many older ones went.
    """

    path: Path
    size_bytes: int
    sha256: str
    recipients: tuple[Fingerprint, ...]
    refused: dict[Fingerprint, str]
    removed: int


def make_backup(
    directory: Path,
    edge: Edge,
    *,
    folder: Path,
    certificates: Sequence[bytes],
    onion: Onion | None,
    keep_days: int,
) -> Made:
    """
    Make a backup of a server, while it serves, and remove those that are too old.

    Args:
        directory: The server directory.

        edge: Its clock.

        folder: For backups.

        certificates: Public keys; whoever has one of their private keys can open it.

        onion: Whose addresses are saved, too; None for a backup without them.

        keep_days: How old others may be.

    Raises:
        NoAddress, AddressesUnreadable: If *onion* cannot be saved.

        NoRecipient, KeyNotAdmitted: If it can be sealed to nobody.

        AnotherBackup, NotWhatWasWritten, SealingFailed, OSError: As they say; there
            is no new file then, and no old one was removed.
    """
    addresses = {} if onion is None else saved_files(onion)
    with only_one(folder):

        def work(end: OwnersEnd) -> None:
            _send(directory, edge, end.outgoing)

        with working_with_owner(directory, work) as owner:
            reader = BackupReader(owner.from_owner)
            day = reader.about.day
            path = free_path(folder, day)
            with new_file(path) as file:
                sink = _Sink(file)
                with sealing_to_keys(certificates, sink=sink.write, day=day) as sealed:
                    writer = BackupWriter(sealed.sealing.write, reader.about)
                    for name, content in reader:
                        writer.add(name, content)
                    for name, content in addresses.items():
                        writer.add(f"{ONION}{name}", content)
                    writer.finish()
                sha256 = _read_back(file, sink, len(sealed.recipients))
                size_bytes = file.tell()
                # The day is known from the name; the hour is nobody's business.
                noon = datetime.combine(day, time(12), UTC).timestamp()
                os.utime(file.fileno(), (noon, noon))
        removed = remove_old(folder, today=day, keep_days=keep_days)
    return Made(
        path, size_bytes, sha256, sealed.recipients, dict(sealed.refused), removed
    )


class _Sink:
    """Writes ciphertext, and remembers its digest."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self.digest.update(piece)


def _read_back(file: BinaryIO, sink: _Sink, recipients: int) -> str:
    """Make sure that the file is the message that was written; return its digest."""
    file.flush()
    os.fsync(file.fileno())
    # What is still in memory would prove nothing about the disk.
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    file.seek(0)
    digest, envelope = hashlib.sha256(), EnvelopeReader()
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
        envelope.feed(piece)
    if digest.digest() != sink.digest.digest():
        raise NotWhatWasWritten(NotWhatWasWritten.__doc__)
    if len(envelope.finish().recipient_key_ids) != recipients:
        raise NotWhatWasWritten(NotWhatWasWritten.__doc__)
    return digest.hexdigest()


def _send(directory: Path, edge: Edge, outgoing: BinaryIO) -> None:
    """Do the owner's half: everything but the addresses."""
    settings = read_settings(directory)
    day = edge.today(read_profile(directory).zone)
    about = About(bisik=version("bisik"), revision=newest_revision(), day=day)
    writer = BackupWriter(outgoing.write, about)
    for name, content in _small_files(directory):
        writer.add(f"{SERVER}{name}", content)
    # An upgrade does not change the tables meanwhile.
    with in_use(directory):
        database = Database(database_url(directory, settings.database))
        try:
            with closing(copy_out(database)) as parts:
                for part in parts:
                    writer.add_part(part)
        finally:
            database.close()
    writer.finish(padded=False)


def _small_files(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Read the files of a server directory, and of its keyring the public ones."""
    for path in sorted(directory.iterdir()):
        if path.name.startswith((".", DATABASE, LOCK)):
            continue
        if not stat.S_ISREG(path.lstat().st_mode):
            continue
        if not is_server_file(path.name):
            raise OddFile(f"{path} has no name of ours: move it elsewhere")
        yield path.name, _content(path)
    for name in KEYRING_FILES:
        path = directory / KEYRING / name
        if path.exists():
            yield f"{KEYRING}/{name}", _content(path)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(SMALL_FILE_BYTES + 1)
    if len(content) > SMALL_FILE_BYTES:
        raise OddFile(f"{path} is too large to be one of ours: move it elsewhere")
    return content
