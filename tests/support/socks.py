"""
A client of Tor that is no browser.

Streams with different user names are on different circuits.
"""

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from support.visitor import Page, Visitor, page_of

from tor.socks import CONNECT_SECONDS, SocksProxy, SocksRefused

PORT = 80


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
        return SocksProxy(self.port, self.user).connect(address, PORT, seconds=seconds)

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
