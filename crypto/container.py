"""
The container: the one archive format for items, replies, bundles and outboxes.

    header 512 B | content | zeros to 512 B | header ... | zeros, zeros, zeros

It is plain POSIX ustar, so that `tar x` opens it in twenty years without any
software of ours.  Two things make it ours:

* The padding that hides sizes is simply tar's own trailing zeros.
* The reader is stricter than tar: regular files only, relative names, no name
  twice, no extension headers, sizes and counts within limits that are known
  before the first byte is read, and nothing but zeros behind the end.  What it
  refuses it refuses by name, and it never writes to a disk.

Specified in docs/spec/container.md; ustar is POSIX.1-1988 (IEEE Std 1003.1),
and the header blocks are made and parsed by the standard library's `tarfile`.
This module does no I/O: bytes go to a sink and come from a stream.
"""

import tarfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Protocol

from crypto.errors import CryptoError
from crypto.padding import solid_size

BLOCK_BYTES = 512
NAME_BYTES = 100  # The ustar name field; longer names would need extensions.
PIECE_BYTES = 256 * 1024
# tar ends with two zero blocks (POSIX.1-1988, section 10.1.1).
END_OF_ARCHIVE_BYTES = 2 * BLOCK_BYTES

_ZERO_BLOCK = bytes(BLOCK_BYTES)
# Fields of a header block, POSIX.1-1988, section 10.1.1.
_NAME_FIELD = slice(0, 100)
_SIZE_FIELD = slice(124, 136)
_KIND_FIELD = slice(156, 157)  # "typeflag"
_FORMAT_FIELD = slice(257, 265)  # "magic" and "version"
_USTAR = b"ustar\x0000"
# Control, format (direction marks among them) and surrogate characters.  Not all
# of category C: what one version of Unicode has not assigned yet is a letter to
# the next one, and two machines must agree about a name.
_REFUSED_CATEGORIES = ("Cc", "Cf", "Cs")


class MalformedContainer(CryptoError):
    """The archive is not one that this software wrote, or it was damaged."""


class UnusableName(CryptoError):
    """A member's name must be short, relative and free of control characters."""


class Readable(Protocol):
    """Anything that gives bytes when asked, and none at its end."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes; empty means the end."""


@dataclass(frozen=True)
class ContainerLimits:
    """
    What a reader accepts at most.

    Attributes:
        entries: Members in the archive.

        entry_bytes: Content of one member.

        total_bytes: The whole archive, headers and padding included.
    """

    entries: int
    entry_bytes: int
    total_bytes: int


class ContainerWriter:
    """
    Write a container, member by member, into a sink.

    Every member carries the same day and no owner: the archive says what is in
    it and nothing about the machine that made it.
    """

    def __init__(self, sink: Callable[[bytes], object], *, day: date) -> None:
        self._sink = sink
        self._day = day
        self._names: set[str] = set()
        self.size_bytes = 0

    def add(self, name: str, content: bytes) -> None:
        """Add one member held in memory; raises `UnusableName`."""
        self.add_stream(name, len(content), (content,))

    def add_stream(self, name: str, size_bytes: int, chunks: Iterable[bytes]) -> None:
        """
        Add one member whose size is known and whose content arrives in pieces.

        Raises:
            UnusableName: If the name is not one the reader would accept, or was
                used before.

            ValueError: If *chunks* hold more or fewer bytes than announced.  The
                archive is then useless and must be thrown away.
        """
        check_name(name)
        if name in self._names:
            raise UnusableName(f"the name {name!r} is in the archive already")
        self._names.add(name)
        self._write(self._header(name, size_bytes))
        written = 0
        for chunk in chunks:
            written += len(chunk)
            if written > size_bytes:
                raise ValueError("a member is longer than it was announced")
            self._write(chunk)
        if written != size_bytes:
            raise ValueError("a member is shorter than it was announced")
        self._write(bytes(-size_bytes % BLOCK_BYTES))

    def finish(self, pad_to: Callable[[int], int] | None = None) -> int:
        """
        End the archive and fill it with zeros.

        Args:
            pad_to: Given the size so far, the size to reach.  By default the
                archive ends at once.

        Returns:
            The size of the whole archive in bytes.
        """
        self._write(bytes(END_OF_ARCHIVE_BYTES))
        missing = (pad_to(self.size_bytes) if pad_to else self.size_bytes) - (
            self.size_bytes
        )
        while missing > 0:
            piece = min(missing, PIECE_BYTES)
            self._write(bytes(piece))
            missing -= piece
        return self.size_bytes

    def _header(self, name: str, size_bytes: int) -> bytes:
        return member_header(name, size_bytes, day=self._day)

    def _write(self, content: bytes) -> None:
        if content:
            self._sink(content)
            self.size_bytes += len(content)


def member_header(name: str, size_bytes: int, *, day: date) -> bytes:
    """Return the block that stands before a member's content, 512 bytes."""
    member = tarfile.TarInfo(name)
    member.size = size_bytes
    member.mtime = int(datetime.combine(day, time(), UTC).timestamp())
    member.mode = 0o600
    return member.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")


class Entry:
    """One member of a container that is being read; valid until the next one."""

    def __init__(self, untrusted_name: str, size_bytes: int, source: "_Bounded"):
        self.untrusted_name = untrusted_name
        self.size_bytes = size_bytes
        self._source = source
        self._left = size_bytes

    def chunks(self) -> Iterator[bytes]:
        """Yield the content in pieces of at most 256 KiB."""
        while self._left:
            piece = self._source.exactly(min(self._left, PIECE_BYTES))
            self._left -= len(piece)
            yield piece

    def read(self, limit_bytes: int) -> bytes:
        """
        Return the content whole.

        Raises:
            MalformedContainer: If it is larger than *limit_bytes*.
        """
        if self.size_bytes > limit_bytes:
            raise MalformedContainer(
                f"the member {self.untrusted_name!r} is larger than {limit_bytes} bytes"
            )
        return b"".join(self.chunks())


class ContainerReader:
    """Read a container strictly, as a stream, in bounded memory."""

    def __init__(self, stream: Readable, *, limits: ContainerLimits) -> None:
        self._source = _Bounded(stream, limits.total_bytes)
        self._limits = limits

    def __iter__(self) -> Iterator[Entry]:
        """
        Yield the members in order.

        Reaching the end of the iteration is what proves the archive whole; who
        stops earlier has proved nothing.

        Raises:
            MalformedContainer: On the first thing that is not as it must be.
        """
        names: set[str] = set()
        while (block := self._source.exactly(BLOCK_BYTES)) != _ZERO_BLOCK:
            entry = self._entry(block)
            if entry.untrusted_name in names:
                raise MalformedContainer(
                    f"the member {entry.untrusted_name!r} is there twice"
                )
            names.add(entry.untrusted_name)
            if len(names) > self._limits.entries:
                raise MalformedContainer(
                    f"the archive has more than {self._limits.entries} members"
                )
            yield entry
            for _ in entry.chunks():  # Whatever the caller left unread.
                pass
            padding = self._source.exactly(-entry.size_bytes % BLOCK_BYTES)
            if solid_size(padding):
                raise MalformedContainer("a member's padding is not zero")
        self._source.zeros_to_the_end(at_least=BLOCK_BYTES)

    def _entry(self, block: bytes) -> Entry:
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
            check_name(member.name)
        except (tarfile.HeaderError, UnicodeError, ValueError) as error:
            raise MalformedContainer("a member's header cannot be read") from error
        except UnusableName as error:
            raise MalformedContainer(str(error)) from error
        # frombuf would turn an old-style directory, a name with a slash behind
        # it, into a plain name, so the block itself is asked for the kind.
        if block[_KIND_FIELD] != tarfile.REGTYPE or member.linkname:
            raise MalformedContainer(f"the member {member.name!r} is no regular file")
        if not 0 <= member.size <= self._limits.entry_bytes:
            raise MalformedContainer(
                f"the member {member.name!r} is larger than "
                f"{self._limits.entry_bytes} bytes"
            )
        # tarfile also reads GNU headers, names in two fields, bytes behind a
        # name's end and numbers such as 1_7.  Other programs read those
        # differently, and an archive must have one meaning only.
        if (
            block[_NAME_FIELD] != member.name.encode().ljust(NAME_BYTES, b"\0")
            or block[_SIZE_FIELD] != b"%011o\0" % member.size
            or block[_FORMAT_FIELD] != _USTAR
        ):
            raise MalformedContainer(
                f"the header of the member {member.name!r} is not plain ustar"
            )
        return Entry(member.name, member.size, self._source)


def check_name(name: str) -> None:
    """
    Refuse a member name that could mean anything but one file below one folder.

    Raises:
        UnusableName: If the name is empty, absolute, longer than 100 bytes of
            UTF-8, has an empty, `.` or `..` part, a backslash, or a control,
            format or surrogate character.
    """
    try:
        length = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        raise UnusableName("a member's name is not text") from None
    if not 0 < length <= NAME_BYTES:
        raise UnusableName(f"a member's name must be 1 to {NAME_BYTES} bytes long")
    if any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name:
        raise UnusableName(f"the member name {name!r} could leave its folder")
    if any(unicodedata.category(c) in _REFUSED_CATEGORIES for c in name):
        raise UnusableName(f"the member name {name!r} has a control character")


class _Bounded:
    """Give exactly what is asked for, and never more than a limit in all."""

    def __init__(self, stream: Readable, limit_bytes: int) -> None:
        self._stream = stream
        self._left = limit_bytes

    def exactly(self, size: int) -> bytes:
        pieces = []
        while size:
            piece = self._read(size)
            if not piece:
                raise MalformedContainer("the archive ends too early")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def zeros_to_the_end(self, *, at_least: int) -> None:
        seen = 0
        while piece := self._read(PIECE_BYTES):
            if solid_size(piece):
                raise MalformedContainer("something follows the end of the archive")
            seen += len(piece)
        # How many zeros follow is the business of whoever fills up: slots do not
        # end at the border of a block.
        if seen < at_least:
            raise MalformedContainer("the archive ends too early")

    def _read(self, size: int) -> bytes:
        # One byte beyond the limit may be read, so that excess is noticed.
        piece = self._stream.read(min(size, self._left + 1))
        self._left -= len(piece)
        if self._left < 0:
            raise MalformedContainer("the archive is larger than it may be")
        return piece
