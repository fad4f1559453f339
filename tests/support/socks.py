"""
A client of Tor that is no browser: SOCKS5 with remote names (RFC 1928, RFC 1929).

Streams with different user names are on different circuits.
"""

import contextlib
import http.client
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from support.visitor import Page, Visitor, page_of

# Tor itself gives up after two minutes (SocksTimeout), and says why.
CONNECT_SECONDS = 150
REPLY_BYTES = 10
PORT = 80


class SocksRefused(OSError):
    """Tor did not connect; says why by one number."""

    def __init__(self, reply: int) -> None:
        super().__init__(f"SOCKS reply 0x{reply:02X}")
        self.reply = reply


@dataclass(frozen=True)
class Socks:
    """
    A SOCKS port of a tor on this machine.

    Attributes:
        port: On 127.0.0.1.

        user: Names a circuit.
    """

    port: int
    user: str = "reporter"

    def connect(
        self, address: str, *, seconds: float = CONNECT_SECONDS
    ) -> socket.socket:
        """
        Open a stream to an onion service.

        Raises:
            SocksRefused: If there is none.
        """
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        try:
            user, name = self.user.encode(), address.encode()
            stream.sendall(b"\x05\x01\x02")
            assert b"\x05\x02" == _exactly(stream, 2)
            stream.sendall(bytes([1, len(user)]) + user + b"\x01x")
            assert b"\x01\x00" == _exactly(stream, 2)
            stream.sendall(
                bytes([5, 1, 0, 3, len(name)]) + name + struct.pack(">H", PORT)
            )
            reply = _exactly(stream, REPLY_BYTES)
            if reply[1]:
                raise SocksRefused(reply[1])
        except BaseException:
            stream.close()
            raise
        return stream

    def connect_soon(self, address: str, *, seconds: float) -> socket.socket:
        """Open a stream to a service that may just be on its way up."""
        until = time.monotonic() + seconds
        while True:
            try:
                return self.connect(address)
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def reply(self, address: str) -> int:
        """Return the number with which tor answers; 0 for success."""
        try:
            self.connect(address).close()
        except SocksRefused as refused:
            return refused.reply
        return 0

    def visitor(self, address: str, *, seconds: float = CONNECT_SECONDS) -> Visitor:
        """Open a browser window at an onion service."""

        def transport(
            method: str, path: str, headers: Mapping[str, str], body: bytes
        ) -> Page:
            with self.connection(address, seconds=seconds) as connection:
                connection.request(method, path, body or None, dict(headers))
                answer = connection.getresponse()
                return page_of(answer.status, answer.getheaders(), answer.read())

        return Visitor(transport)

    @contextlib.contextmanager
    def connection(
        self, address: str, *, seconds: float = CONNECT_SECONDS
    ) -> Iterator[http.client.HTTPConnection]:
        """Speak HTTP with an onion service."""
        connection = http.client.HTTPConnection(address, timeout=seconds)
        connection.sock = self.connect(address, seconds=seconds)
        try:
            yield connection
        finally:
            connection.close()


def _exactly(stream: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = stream.recv(count - len(received))
        if not piece:
            raise ConnectionError("tor has hung up")
        received += piece
    return received
