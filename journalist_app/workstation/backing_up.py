r"""
Backing up: the whole desk in one file that only its recovery code opens.

    "bisik desk 1\n" | salt, 16 bytes | Cobblestone-256( container )
                                          restored.json    that this is a copy
                                          desk.json, casebook.db, gnupg/..., store/...

A backup is made while the desk is open and its casebook stands still, so that every
file in it is of one moment.  It is read back whole before it gets its name.
It holds the officer's private keys as well: whoever has lost everything needs nothing
but the file and the code.  So it opens whatever those keys open, and a subkey that is
destroyed on the desk lives on in older backups: docs/threat-model.md.

A desk that is restored knows that it was: it acts only after a bundle has told what it
did in the meantime (`continuity`).

Specified in docs/spec/desk-directory.md.  Cobblestone is C2SP chunked-encryption.
"""

import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from pydantic import Field
from sqlalchemy import select, update

from casework import strict
from casework.strict import Day, Identity, StrictModel
from crypto.container import (
    ContainerLimits,
    ContainerReader,
    ContainerWriter,
    Entry,
    MalformedContainer,
)
from journalist_app.durable import new_directory, new_file, sync_directory
from journalist_app.workstation import casebook
from journalist_app.workstation.desk import (
    INCOMING,
    ITEMS,
    OUTGOING,
    RESTORED,
    STORE,
    Desk,
)
from journalist_app.workstation.errors import UnusableBackup
from journalist_app.workstation.recovery_code import SECRET_BYTES, RecoveryCode
from journalist_app.workstation.recovery_code import parse_recovery_code as _parse

SALT_BYTES = 16
PIECE_BYTES = 256 * 1024
_MAGIC = b"bisik desk 1\n"
_LIMITS = ContainerLimits(
    entries=2_000_000,
    entry_bytes=64 * 1024 * 1024 * 1024,
    total_bytes=1024 * 1024 * 1024 * 1024,
)


class RestoredRecord(StrictModel):
    """What tells a desk that it was restored (restored.json)."""

    version: Literal[1] = 1
    desk_id: Identity
    made: Day
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


@dataclass(frozen=True)
class Backup:
    """
    A backup that was written and read back.

    Attributes:
        first: Whether the code was made with it, and has to be written down.
    """

    files: int
    size_bytes: int
    code: RecoveryCode
    first: bool


def write_backup(desk: Desk, path: Path, *, today: date) -> Backup:
    """
    Write a backup of an open desk, and read it back.

    Raises:
        FileExistsError: If there is a file of that name.

        UnusableBackup: If what was written cannot be read back.

        OSError: If it cannot be written; there is no file then.
    """
    code, first = _code_of(desk)
    salt = desk.entropy(SALT_BYTES)
    with new_file(path) as file:
        # No other thread changes the casebook, or what belongs to it, meanwhile.
        with desk.casebook.transaction():
            written = _write(desk, file, code, salt, today)
        file.seek(0)
        if written != dict(_digests(_entries(file, code))):
            raise UnusableBackup("the backup is not what was written: try again")
        size_bytes = file.tell()
    with desk.casebook.transaction() as connection:
        connection.execute(
            update(casebook.continuity).values(backup_day=today.toordinal())
        )
    return Backup(len(written), size_bytes, code, first)


def recovery_code(desk: Desk) -> RecoveryCode | None:
    """Return the code that opens this desk's backups; None if there are none."""
    with desk.casebook.transaction() as connection:
        text = connection.scalar(select(casebook.continuity.c.recovery_code))
    return None if text is None else _parse(text)


def restore_backup(backup: Path, directory: Path, code: RecoveryCode) -> None:
    """
    Make a desk from a backup, all of it or nothing.

    Raises:
        FileExistsError: If there is anything of the folder's name.

        UnusableBackup: If the backup is damaged, or the code is another's.
    """
    with backup.open("rb") as file, new_directory(directory) as partial:
        folders = {partial}
        for name in (ITEMS, INCOMING, OUTGOING, STORE):
            (partial / name).mkdir(mode=0o700)
        for entry in _entries(file, code):
            target = partial / entry.untrusted_name
            for parent in reversed(target.relative_to(partial).parents):
                (partial / parent).mkdir(mode=0o700, exist_ok=True)
                folders.add(partial / parent)
            with new_file(target) as out:
                for piece in entry.chunks():
                    out.write(piece)
        if not (partial / RESTORED).is_file():
            raise UnusableBackup(UnusableBackup.__doc__)
        for folder in folders:
            sync_directory(folder)


def _code_of(desk: Desk) -> tuple[RecoveryCode, bool]:
    known = recovery_code(desk)
    if known is not None:
        return known, False
    code = RecoveryCode(desk.entropy(SECRET_BYTES))
    with desk.casebook.transaction() as connection:
        connection.execute(update(casebook.continuity).values(recovery_code=str(code)))
    return code, True


def _write(
    desk: Desk, file: BinaryIO, code: RecoveryCode, salt: bytes, today: date
) -> dict[str, bytes]:
    encryptor: Any = Cobblestone256Encryptor(code.key(salt), salt)
    file.write(_MAGIC + salt)
    container = ContainerWriter(
        lambda piece: file.write(encryptor.update(piece)), day=today
    )
    record = strict.render(
        RestoredRecord(desk_id=desk.record.desk_id, made=today, salt=salt.hex())
    )
    digests = {RESTORED: hashlib.sha256(record).digest()}
    container.add(RESTORED, record)
    for source in _files(desk.path):
        name = source.relative_to(desk.path).as_posix()
        digest = hashlib.sha256()

        def pieces(source: Path = source, digest: Any = digest) -> Iterator[bytes]:
            with source.open("rb") as content:
                while piece := content.read(PIECE_BYTES):
                    digest.update(piece)
                    yield piece

        container.add_stream(name, source.stat().st_size, pieces())
        digests[name] = digest.digest()
    container.finish()
    file.write(encryptor.finalize())
    return digests


def _files(folder: Path) -> Iterator[Path]:
    """Yield what a desk consists of: no sockets of agents, nothing half written."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if (
            stat.S_ISREG(path.lstat().st_mode)
            and parts[0] not in (INCOMING, RESTORED)
            and not any(part.startswith(".") for part in parts)
            and path.suffix not in (".lock", ".tmp")
            and path.name != "random_seed"
        ):
            yield path


def _entries(file: BinaryIO, code: RecoveryCode) -> Iterator[Entry]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise UnusableBackup("this file is no backup of a desk")
    salt = file.read(SALT_BYTES)
    try:
        yield from ContainerReader(
            _Decrypted(file, code.key(salt), salt), limits=_LIMITS
        )
    except (MalformedContainer, ValueError):
        raise UnusableBackup(UnusableBackup.__doc__) from None


def _digests(entries: Iterator[Entry]) -> Iterator[tuple[str, bytes]]:
    for entry in entries:
        digest = hashlib.sha256()
        for piece in entry.chunks():
            digest.update(piece)
        yield entry.untrusted_name, digest.digest()


class _Decrypted:
    """The plaintext of a backup, as a stream."""

    def __init__(self, file: BinaryIO, key: bytes, salt: bytes) -> None:
        self._file = file
        self._decryptor: Any = Cobblestone256Decryptor(key, salt)
        self._held = b""
        self._ended = False

    def read(self, size: int, /) -> bytes:
        try:
            while not self._held and not self._ended:
                sealed = self._file.read(PIECE_BYTES)
                if sealed:
                    self._held = self._decryptor.update(sealed) or b""
                else:
                    self._ended = True
                    self._held = self._decryptor.finalize() or b""
        except (InvalidTag, ValueError):
            raise UnusableBackup(UnusableBackup.__doc__) from None
        taken, self._held = self._held[:size], self._held[size:]
        return taken
