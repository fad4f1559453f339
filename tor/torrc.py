"""
The torrc: what tor is told, all of it, for one machine of an installation.

    reporters      --tor--> site.sock       proof of work, many introduction points
    officers       --tor--> courier.sock    client authorization
    administrators --tor--> 127.0.0.1:22    client authorization; only if wanted

Tor opens no port: neither for clients nor for relays nor for control, which goes
through a Unix socket.  Both sites listen on Unix sockets.  There is no Onion-Location
anywhere, because there is no door but this one.

Options are those of tor 0.4.9 (tor(1)).  Specified in docs/spec/tor.md.  This module
writes text; `tor.program` lets tor itself read it before it is used.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tor.errors import TorError

VIRTUAL_PORT: Final = 80
SSH_PORT: Final = 22
# rend-spec-v3 allows up to 20; 3 is tor's own default.
INTRODUCTION_POINTS: Final = 3
BUSY_INTRODUCTION_POINTS: Final = 6
# A page is one request, and a browser opens few streams at a time.  A circuit with
# more is not closed: that would break its good requests, too.
STREAMS_AT_ONCE: Final = 16
# sockaddr_un, less the zero at its end.
SOCKET_PATH_BYTES: Final = 107


class UnusableTorPath(TorError):
    """A path in a torrc must be absolute and on one line, without quotes."""


@dataclass(frozen=True)
class ProofOfWork:
    """
    When tor asks clients for work before it lets them in (proposal 327).

    Attributes:
        requests_per_second: How many introductions are handed on in a second.

        burst: How many may come at once before that counts.
    """

    requests_per_second: int = 20
    burst: int = 200


@dataclass(frozen=True)
class OnionService:
    """
    The onion service of a site.

    Attributes:
        directory: Its keys and its name; tor makes and owns it.

        socket: Where the site listens.

        proof_of_work: None where only authorized clients get as far.

        introduction_points: How many relays keep the way in open.

        front: Address of the Onionbalance front, where this machine is one of several
            behind one address.
    """

    directory: Path
    socket: Path
    proof_of_work: ProofOfWork | None = None
    introduction_points: int = INTRODUCTION_POINTS
    front: str | None = None

    def lines(self) -> Iterator[str]:
        """
        Write the lines of a torrc that make up this service.

        Raises:
            UnusableTorPath: If a path could not be read back as it is.
        """
        yield from _every_service(self.directory, self.introduction_points)
        # One path, quoted as a whole: tor allows spaces in it then.
        yield f'HiddenServicePort {VIRTUAL_PORT} unix:"{socket_path(self.socket)}"'
        # Each circuit gets an address of its own, which the site uses to be fair.
        yield "HiddenServiceExportCircuitID haproxy"
        if self.front is not None:
            yield "HiddenServiceOnionBalanceInstance 1"
        if self.proof_of_work is not None:
            work = self.proof_of_work
            yield "HiddenServicePoWDefensesEnabled 1"
            yield f"HiddenServicePoWQueueRate {work.requests_per_second}"
            yield f"HiddenServicePoWQueueBurst {work.burst}"


@dataclass(frozen=True)
class LoginService:
    """
    The onion service of this machine's ssh server.

    It must not have the line by which sites tell circuits apart: sshd would take it for
    a client that speaks no ssh.

    Attributes:
        directory: Its keys and its name; tor makes and owns it.
    """

    directory: Path

    def lines(self) -> Iterator[str]:
        """
        Write the lines of a torrc that make up this service.

        Raises:
            UnusableTorPath: If a path could not be read back as it is.
        """
        yield from _every_service(self.directory, INTRODUCTION_POINTS)
        yield f"HiddenServicePort {SSH_PORT} 127.0.0.1:{SSH_PORT}"


Service = OnionService | LoginService


@dataclass(frozen=True)
class Torrc:
    """
    The configuration of one tor.

    Attributes:
        state_directory: What tor remembers; its keys for the network.

        control_socket: Where it can be asked; belongs to its user alone.

        services: The reporters', the officers' and perhaps the administrators' one.

        network: Lines that make tor use another network than the public one.

        user: Whom tor becomes when it was started as root.
    """

    state_directory: Path
    control_socket: Path
    services: Sequence[Service]
    network: Sequence[str] = ()
    user: str | None = None

    def render(self) -> str:
        """
        Write the torrc.

        Raises:
            UnusableTorPath: If a path could not be read back as it is.
        """
        return "\n".join([*self._lines(), ""])

    def _lines(self) -> Iterator[str]:
        yield "# Written by Bisik: changes are lost.  docs/spec/tor.md explains it."
        yield from _common(self.state_directory, self.control_socket)
        if self.user is not None:
            yield f"User {self.user}"
        yield ""
        yield "# No way in or out but the onion services."
        yield "SocksPort 0"
        yield "ORPort 0"
        yield "DirPort 0"
        yield "ClientUseIPv6 1"
        # A vanguard of relays that change slowly makes the first one hard to find.
        yield "VanguardsLiteEnabled 1"
        yield "ConnectionPadding 1"
        for service in self.services:
            yield ""
            yield from service.lines()
        if self.network:
            yield ""
            yield "# Not the public Tor network."
            yield from self.network


def _every_service(directory: Path, introduction_points: int) -> Iterator[str]:
    yield f"HiddenServiceDir {quoted(directory)}"
    yield "HiddenServiceVersion 3"
    yield f"HiddenServiceNumIntroductionPoints {introduction_points}"
    yield f"HiddenServiceMaxStreams {STREAMS_AT_ONCE}"
    yield "HiddenServiceMaxStreamsCloseCircuit 0"
    yield "HiddenServiceEnableIntroDoSDefense 1"


def _common(state_directory: Path, control_socket: Path) -> Iterator[str]:
    yield f"DataDirectory {quoted(state_directory)}"
    # Tor wants a word after the path where it may be more open than usual; it is not.
    yield f'ControlSocket "{socket_path(control_socket)}"'
    yield "CookieAuthentication 1"
    yield f"CookieAuthFile {quoted(state_directory / 'control_auth_cookie')}"
    # At "info" tor writes onion addresses whatever SafeLogging says.
    yield "Log notice stderr"
    yield "SafeLogging 1"
    yield "LogTimeGranularity 60000"
    yield "AvoidDiskWrites 1"
    yield "NoExec 1"
    # Tor's own sandbox kills it on SIGHUP when it has services: docs/adr/0022.
    yield "Sandbox 0"


def quoted(path: Path) -> str:
    """
    Write a path as tor reads it back.

    Raises:
        UnusableTorPath: If it cannot.
    """
    return f'"{_plain(path)}"'


def socket_path(path: Path) -> str:
    """
    Write the path of a Unix socket.

    Raises:
        UnusableTorPath: If tor could not read it, or the kernel finds it too long.
    """
    text = _plain(path)
    if len(os.fsencode(text)) > SOCKET_PATH_BYTES:
        raise UnusableTorPath(
            f"the path of a socket has {SOCKET_PATH_BYTES} bytes at most; choose a "
            f"folder with a shorter path than {path.parent}"
        )
    return text


def _plain(path: Path) -> str:
    text = os.fspath(path)
    if not path.is_absolute() or not text.isprintable() or set(text) & set('"\\'):
        raise UnusableTorPath(f"{UnusableTorPath.__doc__} ({text!r})")
    return text
