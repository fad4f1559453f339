"""
Packets: is this one complete OpenPGP message, and to whom?

    PKESK  PKESK ...            SEIPD
    +----+ +----+               +----------------------------------+ end
    |id 1| |id 2|  session key  | part | part | ... | last part    |
    +----+ +----+  per officer  +----------------------------------+

This is the part of OpenPGP that can be read without any key: the frames.  The
walker follows them through a stream in constant memory and accepts exactly one
thing: one or more public-key encrypted session keys, then one packet of
integrity-protected data, complete, and nothing behind it.  A message cut off
anywhere is noticed, because the length of its last part is not fulfilled.

It proves nothing about what is inside: only the holder of a key can do that.

Specified in docs/spec/sealed-item-openpgp.md.  Packet headers are RFC 9580
section 4.2 (RFC 4880 section 4.2), PKESK section 5.1, SEIPD section 5.13.
This module does no I/O: bytes are fed in.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Protocol

from crypto.errors import CryptoError

# Packet types, RFC 9580 section 5 (Table 3).
PKESK = 1
SIGNATURE = 2
SECRET_KEY = 5
PUBLIC_KEY = 6
SECRET_SUBKEY = 7
USER_ID = 13
PUBLIC_SUBKEY = 14
USER_ATTRIBUTE = 17
SEIPD = 18

KEY_ID_BYTES = 8
# An RSA key of 16,384 bits needs 2,061 bytes, ML-KEM-1024 with X448 fewer.
LONGEST_PKESK_BYTES = 4096
RECIPIENTS_AT_MOST = 256
# RFC 9580, section 4.2.1.4: the first part is at least 512 octets long.
SHORTEST_FIRST_PART_BYTES = 512
PIECE_BYTES = 256 * 1024

# Version 1: the version, a random block with two octets repeated, and the hash
# packet of 22 octets at the end (RFC 9580, section 5.13.1).
_SHORTEST_SEIPD_V1_BYTES = 1 + 18 + 22
# Version 2: four octets, the salt, and the final tag (section 5.13.2).
_SHORTEST_SEIPD_V2_BYTES = 4 + 32 + 16
# A PKESK of version 3 goes with data of version 1, and 6 with 2, and nothing
# else with anything (RFC 9580, section 10.3.2.1).
_DATA_VERSION = {3: 1, 6: 2}

_Steps = Generator[None, None, None]


class IncompleteMessage(CryptoError):
    """The bytes are not one complete OpenPGP message."""


class Readable(Protocol):
    """Anything that gives bytes when asked, and none at its end."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes; empty means the end."""


@dataclass(frozen=True)
class Envelope:
    """
    What anybody can see of a sealed message.

    Attributes:
        recipient_key_ids: Of the encryption subkeys, 16 upper-case hexadecimal
            digits each, in the order of the message; sixteen zeros for a
            recipient who is not named.

        protection_version: Version of the data packet: 1 (checksum inside, what
            GnuPG 2.2 makes) or 2 (AEAD).

        size_bytes: Of the whole message.
    """

    recipient_key_ids: tuple[str, ...]
    protection_version: int
    size_bytes: int


class _Frames:
    """
    The grammar of packet headers, over a buffer that fills as bytes arrive.

    Each step is a generator that stops where bytes are missing, and goes on in
    the same place when there are more.
    """

    def __init__(self, content: bytes = b"") -> None:
        self._buffer = bytearray(content)
        self._header = 0

    def _tag(self) -> Generator[None, None, int]:
        self._header = (yield from self._take(1))[0]
        if not self._header & 0x80:
            raise IncompleteMessage("this is no OpenPGP packet")
        if self._header & 0x40:
            return self._header & 0x3F
        return (self._header & 0x3C) >> 2

    def _length(self) -> Generator[None, None, tuple[int, bool]]:
        """Return the length and whether more parts follow this one."""
        if self._header & 0x40:
            return (yield from self._new_length())
        octets = (1, 2, 4, 0)[self._header & 0x03]
        if not octets:
            # RFC 9580, section 4.2.2: "until the end of the file" would make
            # every truncation look complete.
            raise IncompleteMessage("a packet without a length cannot be checked")
        return int.from_bytes((yield from self._take(octets)), "big"), False

    def _new_length(self) -> Generator[None, None, tuple[int, bool]]:
        # RFC 9580, section 4.2.1.
        first = (yield from self._take(1))[0]
        if first < 192:
            return first, False
        if first < 224:
            second = (yield from self._take(1))[0]
            return ((first - 192) << 8) + second + 192, False
        if first < 255:
            return 1 << (first & 0x1F), True
        return int.from_bytes((yield from self._take(4)), "big"), False

    def _take(self, size: int) -> Generator[None, None, bytes]:
        while len(self._buffer) < size:
            yield
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _skip(self, size: int) -> _Steps:
        while size:
            skipped = min(size, len(self._buffer))
            del self._buffer[:skipped]
            size -= skipped
            if size:
                yield


class EnvelopeReader(_Frames):
    """
    Follow the frames of one message while it streams past.

    After an error the reader is spent: it refuses everything.
    """

    def __init__(self) -> None:
        super().__init__()
        self._key_ids: list[str] = []
        self._key_versions: set[int] = set()
        self._data_version = 0
        self._complete = False
        self._failed = False
        self._size_bytes = 0
        self._walk = self._message()
        next(self._walk)

    def feed(self, chunk: bytes) -> None:
        """
        Look at the next bytes, in pieces of any size.

        Raises:
            IncompleteMessage: As soon as no continuation could make the bytes a
                message.
        """
        if self._failed:
            raise IncompleteMessage("the message was refused before")
        if not chunk:
            return
        self._size_bytes += len(chunk)
        self._buffer += chunk
        try:
            next(self._walk)
        except IncompleteMessage:
            self._failed = True
            raise

    def finish(self) -> Envelope:
        """
        Say what the message was, now that no more bytes will come.

        Raises:
            IncompleteMessage: If any are missing.
        """
        if self._failed or not self._complete:
            raise IncompleteMessage("the message ends too early")
        return Envelope(
            recipient_key_ids=tuple(self._key_ids),
            protection_version=self._data_version,
            size_bytes=self._size_bytes,
        )

    def _message(self) -> _Steps:
        tag = yield from self._tag()
        while tag == PKESK:
            yield from self._session_key()
            tag = yield from self._tag()
        if tag != SEIPD:
            raise IncompleteMessage(f"a packet of type {tag} has no place in a message")
        if not self._key_ids:
            raise IncompleteMessage("the message has no recipient")
        yield from self._protected_data()
        self._complete = True
        while not self._buffer:
            yield
        self._complete = False
        raise IncompleteMessage("something follows the end of the message")

    def _session_key(self) -> _Steps:
        length, is_part = yield from self._length()
        if is_part:
            # RFC 9580, section 4.2.1.4: only data packets come in parts.
            raise IncompleteMessage("a session key packet may not come in parts")
        if length > LONGEST_PKESK_BYTES:
            raise IncompleteMessage("a session key packet is too large")
        if len(self._key_ids) == RECIPIENTS_AT_MOST:
            raise IncompleteMessage(f"more than {RECIPIENTS_AT_MOST} recipients")
        body = yield from self._take(length)
        version, key_id = _recipient(body)
        self._key_versions.add(version)
        self._key_ids.append(key_id)

    def _protected_data(self) -> _Steps:
        length, is_part = yield from self._length()
        if is_part and length < SHORTEST_FIRST_PART_BYTES:
            raise IncompleteMessage("the first part of the data is too short")
        if length < 1:
            raise IncompleteMessage("the data packet is empty")
        self._data_version = (yield from self._take(1))[0]
        if {_DATA_VERSION[version] for version in self._key_versions} != {
            self._data_version
        }:
            raise IncompleteMessage(
                f"data of version {self._data_version} does not go with its keys"
            )
        total = length
        yield from self._skip(length - 1)
        while is_part:
            length, is_part = yield from self._new_length()
            total += length
            yield from self._skip(length)
        shortest = (
            _SHORTEST_SEIPD_V1_BYTES
            if self._data_version == 1
            else _SHORTEST_SEIPD_V2_BYTES
        )
        if total < shortest:
            raise IncompleteMessage("the data packet is too short")


def read_envelope(stream: Readable) -> Envelope:
    """
    Check the framing of a whole message.

    Raises:
        IncompleteMessage: Unless the bytes are exactly one or more session keys,
            one packet of protected data, complete, and nothing after it.
    """
    reader = EnvelopeReader()
    while piece := stream.read(PIECE_BYTES):
        reader.feed(piece)
    return reader.finish()


def split_packets(content: bytes) -> Iterator[tuple[int, bytes]]:
    """
    Take apart a key or a signature: small things, held in memory.

    Yields:
        The type and the body of each packet.

    Raises:
        IncompleteMessage: If the packets do not fill *content* exactly, or one
            comes in parts or without a length.
    """
    frames = _WholePackets(content)
    while frames.left():
        yield frames.packet()


def _recipient(body: bytes) -> tuple[int, str]:
    version = body[0] if body else 0
    if version == 3:
        # RFC 9580, section 5.1.1: key ID, algorithm, at least something else.
        key_id = body[1 : 1 + KEY_ID_BYTES]
        if len(body) > 1 + KEY_ID_BYTES + 1:
            return version, key_id.hex().upper()
    if version == 6 and len(body) > 1:
        # Section 5.1.2: size of the next two fields, key version, fingerprint.
        size = body[1]
        if size == 0 and len(body) > 3:
            return version, "00" * KEY_ID_BYTES
        if len(body) > 2 + size + 1 and (body[2], size) in ((4, 21), (6, 33)):
            fingerprint = body[3 : 2 + size]
            # Section 5.5.4: the key ID is the end of a version 4 fingerprint,
            # and the beginning of a version 6 fingerprint.
            key_id = fingerprint[-8:] if body[2] == 4 else fingerprint[:8]
            return version, key_id.hex().upper()
    raise IncompleteMessage("a session key packet cannot be read")


class _WholePackets(_Frames):
    """Packets whose bytes are all there."""

    def left(self) -> bool:
        return bool(self._buffer)

    def packet(self) -> tuple[int, bytes]:
        steps = self._one()
        try:
            next(steps)
        except StopIteration as end:
            packet: tuple[int, bytes] = end.value
            return packet
        raise IncompleteMessage("a packet ends too early")

    def _one(self) -> Generator[None, None, tuple[int, bytes]]:
        tag = yield from self._tag()
        length, is_part = yield from self._length()
        if is_part:
            raise IncompleteMessage("a key or signature may not come in parts")
        return tag, (yield from self._take(length))
