"""
SOCKS: a stream through a tor on this machine, by name and never by address.

    program --Unix socket or port--> tor --> onion service, or a host's name

Names are not looked up here: tor does it, where nobody sees who asks.  Streams with
different user names are on different circuits (IsolateSOCKSAuth).

SOCKS 5 is RFC 1928, user names in it are RFC 1929.
"""

import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Tor itself gives up after two minutes (SocksTimeout), and says why.
CONNECT_SECONDS: Final = 150.0

_VERSION: Final = b"\x05"
_USER_NAME: Final = b"\x02"
_CONNECT: Final = b"\x01"
_NAME: Final = b"\x03"
# How many bytes an address of each kind has in an answer; RFC 1928, section 6.
_ADDRESS_BYTES: Final = {1: 4, 4: 16}
_LONGEST: Final = 255

_REPLIES: Final = {
    1: "it could not be reached",
    2: "tor's settings forbid it",
    3: "the network cannot be reached",
    4: "there is no such service, or it is off",
    5: "it refuses connections",
    6: "it took too long",
}


class SocksRefused(OSError):
    """Tor did not connect; says why by one number."""

    def __init__(self, reply: int) -> None:
        reason = _REPLIES.get(reply, "for a reason of its own")
        super().__init__(f"tor did not connect: {reason} (SOCKS reply 0x{reply:02X})")
        self.reply = reply


@dataclass(frozen=True)
class SocksProxy:
    """
    Where a tor takes streams.

    Attributes:
        place: Path of a Unix socket, or a port on 127.0.0.1.

        user: Names a circuit; not a secret.
    """

    place: Path | int
    user: str = "bisik"

    def connect(
        self, name: str, port: int, *, seconds: float = CONNECT_SECONDS
    ) -> socket.socket:
        """
        Open a stream.

        Args:
            name: Of an onion service, or of a host.

            port: There.

            seconds: How long each step may take.

        Raises:
            SocksRefused: If there is none.

            OSError: If tor does not answer, or hangs up.

            ValueError: If the name is too long, or not of ASCII.
        """
        asked, user = name.encode("ascii"), self.user.encode()
        if not 0 < len(asked) <= _LONGEST or not 0 < len(user) <= _LONGEST:
            raise ValueError("a name has 1 to 255 bytes")
        stream = self._dial(seconds)
        try:
            stream.sendall(_VERSION + b"\x01" + _USER_NAME)
            _expect(stream, _VERSION + _USER_NAME)
            # The password is of no importance to tor, and cannot be empty.
            stream.sendall(bytes([1, len(user)]) + user + b"\x01x")
            _expect(stream, b"\x01\x00")
            stream.sendall(
                _VERSION
                + _CONNECT
                + b"\x00"
                + _NAME
                + bytes([len(asked)])
                + asked
                + struct.pack(">H", port)
            )
            _read_reply(stream)
        except BaseException:
            stream.close()
            raise
        return stream

    def _dial(self, seconds: float) -> socket.socket:
        if isinstance(self.place, int):
            return socket.create_connection(("127.0.0.1", self.place), timeout=seconds)
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(seconds)
        try:
            stream.connect(str(self.place))
        except BaseException:
            stream.close()
            raise
        return stream


def _read_reply(stream: socket.socket) -> None:
    version, reply, _reserved, kind = _exactly(stream, 4)
    if version != _VERSION[0]:
        raise ConnectionError("what answers is no SOCKS proxy")
    if reply:
        raise SocksRefused(reply)
    length = _ADDRESS_BYTES.get(kind) or _exactly(stream, 1)[0]
    _exactly(stream, length + 2)


def _expect(stream: socket.socket, expected: bytes) -> None:
    if _exactly(stream, len(expected)) != expected:
        raise ConnectionError("what answers is no SOCKS proxy as tor is one")


def _exactly(stream: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = stream.recv(count - len(received))
        if not piece:
            raise ConnectionError("tor has hung up")
        received += piece
    return received
