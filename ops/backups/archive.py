"""
The archive: what is in a backup once it is opened, and in which order.

    README.txt            how to use it without Bisik
    about.json            which Bisik made it, which tables, on which day
    server/...            settings, profile, calendar, courier's key, public keys
    deaddrop/000001.sqlite ...
    onion/...             keys, addresses and clients of the onion services
    manifest.json         the SHA-256 of everything before it
    zeros                 up to a power of two

It is the container of docs/spec/container.md.  Its reader takes what the writer gives
and nothing else, piece by piece; that the manifest was right is known at the end, so
whoever reads must hold everything back until then.  Nobody has signed a backup: it
proves that it is whole, and not who made it.

Specified in docs/spec/backup.md.  This module does no I/O.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import Field

from casework import strict
from casework.errors import CaseworkError
from casework.strict import Count, Day, Digest, StrictModel
from crypto.container import (
    ContainerLimits,
    ContainerReader,
    ContainerWriter,
    Entry,
    Readable,
)
from deaddrop.copying import MOST_PART_BYTES
from ops.errors import OpsError

README: Final = "README.txt"
ABOUT: Final = "about.json"
MANIFEST: Final = "manifest.json"
SERVER: Final = "server/"
DEADDROP: Final = "deaddrop/"
ONION: Final = "onion/"
SMALLEST_BYTES: Final = 16 * 1024 * 1024
SMALL_FILE_BYTES: Final = 4 * 1024 * 1024

_ABOUT_BYTES: Final = 4096
_MANIFEST_BYTES: Final = 64 * 1024 * 1024
_LIMITS: Final = ContainerLimits(
    entries=300_000,
    entry_bytes=_MANIFEST_BYTES,
    total_bytes=2 * 1024 * 1024 * 1024 * 1024,
)
_NAME: Final = {
    SERVER: re.compile(r"server/(?:keyring/)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
    DEADDROP: re.compile(r"deaddrop/[0-9]{6,9}\.sqlite"),
    ONION: re.compile(r"onion/[a-z]{1,20}/(?:authorized_clients/)?[a-z0-9._-]{1,64}"),
}
_ORDER: Final = (SERVER, DEADDROP, ONION)
# Every packet of OpenPGP begins with this bit (RFC 9580, section 4.2); the name in
# the first header of an archive does not.
_PACKET: Final = 0x80

_EXPLANATION: Final = b"""\
A backup of one Bisik server.  Without Bisik:

    gpg --decrypt FILE | tar --extract

about.json      which version made it, on which day
server/         bisik.toml (may hold a password), profile, calendar, public keys
deaddrop/       the database, as SQLite databases of some rows each; all together:
                for part in deaddrop/*.sqlite; do sqlite3 "$part" .dump; done
                (a table may be in several parts; sessions are left out)
onion/          the secret keys of the onion services: whoever has them can put up
                a site at the same address
manifest.json   the SHA-256 of every file

What reporters wrote is sealed to the officers, and opened by their keys only.
"""


_Record = TypeVar("_Record", bound=StrictModel)


class MalformedBackup(OpsError):
    """This is no backup of a server, or it is damaged or cut off."""


class SealedBackup(OpsError):
    """The backup is sealed: it has to be opened first."""


class _MalformedRecord(CaseworkError):
    """A record in the backup is not as Bisik writes it."""


def _record(
    model: type[_Record], name: str, content: bytes, *, limit_bytes: int
) -> _Record:
    try:
        return strict.parse(
            model, content, limit_bytes=limit_bytes, malformed=_MalformedRecord
        )
    except _MalformedRecord as error:
        raise MalformedBackup(f"{name}: {error}") from None


class About(StrictModel):
    """
    What a backup is of (about.json).

    Attributes:
        bisik: Version of the program.

        revision: Of the tables of the dead drop.

        day: On which it was made, in the institution's zone.
    """

    version: Literal[1] = 1
    bisik: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+~-]{1,40}$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-z_]{1,32}$")]
    day: Day

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """
        Read about.json.

        Raises:
            MalformedBackup: If it is not exactly as `render` writes it.
        """
        return _record(cls, ABOUT, content, limit_bytes=_ABOUT_BYTES)


class ManifestFile(StrictModel):
    """One file of a backup."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    size_bytes: Count
    sha256: Digest


class Manifest(StrictModel):
    """Everything that is in a backup before its manifest, in order (manifest.json)."""

    version: Literal[1] = 1
    files: tuple[ManifestFile, ...]

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """
        Read manifest.json.

        Raises:
            MalformedBackup: If it is not exactly as `render` writes it.
        """
        return _record(cls, MANIFEST, content, limit_bytes=_MANIFEST_BYTES)


def padded_size(size_bytes: int) -> int:
    """Return how large a backup becomes: a power of two, 16 MiB at least."""
    return max(SMALLEST_BYTES, 1 << (size_bytes - 1).bit_length())


def is_server_file(name: str) -> bool:
    """Tell whether a file of a server directory may have this name in a backup."""
    return _NAME[SERVER].fullmatch(f"{SERVER}{name}") is not None


class BackupWriter:
    """Write a backup into a sink, member by member, in their order."""

    def __init__(self, sink: Callable[[bytes], object], about: About) -> None:
        self._container = ContainerWriter(sink, day=about.day)
        self._files: list[ManifestFile] = []
        self._parts = 0
        self.add(README, _EXPLANATION)
        self.add(ABOUT, strict.render(about))

    def add(self, name: str, content: bytes) -> None:
        """Add one file."""
        self._container.add(name, content)
        self._files.append(
            ManifestFile(
                name=name,
                size_bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
        )

    def add_part(self, part: bytes) -> None:
        """Add the next part of the dead drop."""
        self._parts += 1
        self.add(f"{DEADDROP}{self._parts:06}.sqlite", part)

    def finish(self, *, padded: bool = True) -> None:
        """Write the manifest, and zeros behind it, unless it stays on this machine."""
        manifest = strict.render(Manifest(files=tuple(self._files)))
        self._container.add(MANIFEST, manifest)
        self._container.finish(padded_size if padded else None)


class BackupReader:
    """
    Read a backup from a stream: first `about`, then the files by iteration.

    Only the end of the iteration proves that the backup is whole.
    """

    def __init__(self, stream: Readable) -> None:
        """
        Raises:
            SealedBackup: If it has not been opened.

            MalformedBackup, MalformedContainer: If it is no backup.
        """
        self._files: list[ManifestFile] = []
        container = ContainerReader(_Opened(stream), limits=_LIMITS)
        self._entries = iter(container)
        self._take(README, SMALL_FILE_BYTES)
        self.about = About.parse(self._take(ABOUT, _ABOUT_BYTES))

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """
        Yield name and content of the files, but for README, about and manifest.

        Raises:
            MalformedBackup, MalformedContainer: On the first thing that is not as
                it must be.
        """
        step = parts = 0
        manifest = None
        for entry in self._entries:
            if manifest is not None:
                raise MalformedBackup(f"there is something behind {MANIFEST}")
            if entry.untrusted_name == MANIFEST:
                manifest = Manifest.parse(entry.read(_MANIFEST_BYTES))
                continue
            kind, name = _checked_name(entry)
            if kind < step:
                raise MalformedBackup(f"{name} is not in its place")
            step = kind
            if _ORDER[kind] == DEADDROP:
                parts += 1
                if name != f"{DEADDROP}{parts:06}.sqlite":
                    raise MalformedBackup(f"part {parts} of the dead drop is missing")
            yield name, self._read(entry, MOST_PART_BYTES)
        if manifest is None or manifest.files != tuple(self._files):
            raise MalformedBackup("the files are not those of the manifest")

    def _take(self, name: str, limit_bytes: int) -> bytes:
        entry = next(self._entries, None)
        if entry is None or entry.untrusted_name != name:
            raise MalformedBackup(MalformedBackup.__doc__)
        return self._read(entry, limit_bytes)

    def _read(self, entry: Entry, limit_bytes: int) -> bytes:
        content = entry.read(limit_bytes)
        self._files.append(
            ManifestFile(
                name=entry.untrusted_name,
                size_bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
        )
        return content


class _Opened:
    """A stream that must not be an OpenPGP message."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._looked = False

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(size)
        if not self._looked and piece:
            self._looked = True
            if piece[0] & _PACKET:
                raise SealedBackup(SealedBackup.__doc__)
        return piece


def _checked_name(entry: Entry) -> tuple[int, str]:
    """Return the place in the order, and the name."""
    name = entry.untrusted_name
    for place, folder in enumerate(_ORDER):
        if _NAME[folder].fullmatch(name):
            return place, name
    raise MalformedBackup("there is something in it that is not of a backup")
