"""Circuits of Tor without Tor: what a site behind it sees, on its Unix socket."""

import http.client
import socket
from collections.abc import Mapping
from pathlib import Path

from support.visitor import Page, Visitor, page_of

HOST = "site.onion"
SECONDS = 60.0


def circuit(number: int) -> str:
    """Return the address that tor gives the circuit of this number."""
    return f"fc00:dead:beef:4dad::{number >> 16:x}:{number & 0xFFFF:x}"


def proxy_line(address: str) -> bytes:
    """Write a PROXY line as tor does."""
    return f"PROXY TCP6 {address} ::1 75 80\r\n".encode()


class Connection(http.client.HTTPConnection):
    """A connection as tor opens it, with what it says first."""

    def __init__(
        self,
        path: Path,
        first: bytes,
        *,
        host: str = HOST,
        timeout_seconds: float = SECONDS,
    ) -> None:
        super().__init__(host, timeout=timeout_seconds)
        self._path = path
        self._first = first

    def connect(self) -> None:
        """Connect, and say the first line."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
            self.sock.sendall(self._first)
        except OSError:
            self.close()
            raise


def is_listening(path: Path) -> bool:
    """Tell whether somebody answers there; the file alone does not say so."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def visitor_on(
    path: Path, number: int, *, host: str = HOST, timeout_seconds: float = SECONDS
) -> Visitor:
    """
    Open a browser window whose requests come on one circuit.

    Args:
        path: The site's socket.

        number: Of the circuit.

        host: The address that was typed.

        timeout_seconds: How long an answer may take.
    """

    def transport(
        method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Page:
        connection = Connection(
            path,
            proxy_line(circuit(number)),
            host=host,
            timeout_seconds=timeout_seconds,
        )
        try:
            connection.request(method, url, body or None, dict(headers))
            answer = connection.getresponse()
            return page_of(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    return Visitor(transport)
