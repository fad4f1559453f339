"""
A private Tor network on this machine: for trying Bisik out, and for its tests.

    3 authorities + 3 relays, all on 127.0.0.1 (or another address of this machine)
        ^           ^
        |           +-- a client: a SOCKS port for a browser
        +-- the tor of a server: two onion services

It is real Tor with real circuits of six hops, and no anonymity: whoever has this
machine has every relay.  It is up in some 15 seconds.  What makes it quick and steady
was measured: relays begin shortly before a vote, clients and services only when every
relay knows every other one, and relays believe each other's bandwidth.

Options are those of tor's TestingTorNetwork (tor(1)); the directory protocol is
dir-spec, https://spec.torproject.org/dir-spec/.
"""

import re
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tor.control import Control, connect
from tor.errors import NetworkNotReady, TorRefused
from tor.program import TorProcess, find_tor
from tor.torrc import quoted, socket_path

AUTHORITIES: Final = 3
RELAYS: Final = 3
LOOPBACK: Final = "127.0.0.1"
READY_SECONDS: Final = 90
# The first vote is held when the clock shows a multiple of this; relays that start
# two seconds before it are in it.
FIRST_VOTE_SECONDS: Final = 5
START_BEFORE_VOTE_SECONDS: Final = 2
# Onionbalance counts on 20 seconds in a test network.
VOTE_SECONDS: Final = 20
_GENCERT_MONTHS = "12"
_FLAGS = frozenset({"Running", "Valid", "HSDir", "Guard", "V2Dir", "Fast", "Stable"})

_EVERYBODY = """\
TestingTorNetwork 1
ShutdownWaitLength 0
GeoIPFile /dev/null
GeoIPv6File /dev/null
PathsNeededToBuildCircuits 0.67
LearnCircuitBuildTimeout 0
CircuitBuildTimeout 10
"""
_RELAY = """\
SocksPort 0
AssumeReachable 1
ExitRelay 0
ExitPolicy reject *:*
ServerDNSDetectHijacking 0
ServerDNSResolvConfFile /dev/null
BridgeRelay 0
ExtraInfoStatistics 0
NumCPUs 1
TestingMinTimeToReportBandwidth 1 day
"""
_AUTHORITY = f"""\
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo nobody@example.invalid
TestingV3AuthInitialVotingInterval {FIRST_VOTE_SECONDS}
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval {VOTE_SECONDS}
V3AuthVoteDelay 2
V3AuthDistDelay 2
V3AuthNIntervalsValid 3
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingDirAuthVoteExit *
TestingMinExitFlagThreshold 0
TestingMinFastFlagThreshold 0
AuthDirVoteStableGuaranteeMinUptime 0
AuthDirVoteStableGuaranteeMTBF 0
"""


@dataclass(frozen=True)
class Clock:
    """Time as the outer edge has it."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class _Node:
    """One relay of the network; an authority if it has a directory port."""

    nickname: str
    directory: Path
    address: str
    or_port: int
    directory_port: int | None = None

    @property
    def torrc(self) -> Path:
        return self.directory / "torrc"

    @property
    def control_socket(self) -> Path:
        return self.directory / "control"

    @property
    def log(self) -> Path:
        return self.directory / "tor.log"

    def render(self, authorities: Sequence[str]) -> str:
        """Write its torrc."""
        lines = [
            f"Nickname {self.nickname}",
            *node_lines(self.directory, authorities),
            f"Address {self.address}",
            f"ORPort {self.address}:{self.or_port} IPv4Only",
            _RELAY,
        ]
        if self.directory_port is not None:
            lines += [
                f"DirPort {self.address}:{self.directory_port} IPv4Only",
                _AUTHORITY,
            ]
        return "\n".join(lines)


def node_lines(directory: Path, authorities: Sequence[str]) -> list[str]:
    """Return what every tor of a private network has in its torrc."""
    return [
        f"DataDirectory {quoted(directory)}",
        f'ControlSocket "{socket_path(directory / "control")}"',
        "CookieAuthentication 1",
        "Log notice stderr",
        "SafeLogging 1",
        "AvoidDiskWrites 1",
        _EVERYBODY,
        *authorities,
    ]


class PrivateNetwork:
    """Authorities and relays; a context manager that ends what it has started."""

    def __init__(
        self,
        directory: Path,
        *,
        address: str = LOOPBACK,
        clock: Clock | None = None,
    ) -> None:
        """
        Args:
            directory: For the state of all nodes; its path must be short, because of
                the sockets in it.  Keys of authorities in it are used again.

            address: Of this machine, where the relays listen.

            clock: In place of this machine's.

        Raises:
            TorMissing: If tor or tor-gencert is not on this machine.
        """
        self._directory = directory.absolute()
        self._address = address
        self._clock = clock or Clock()
        self._tor = find_tor()
        self._gencert = find_tor("tor-gencert")
        self._processes: list[TorProcess] = []
        self._authorities: tuple[str, ...] = ()
        self._nodes: tuple[_Node, ...] = ()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def torrc_lines(self) -> tuple[str, ...]:
        """What makes another tor a part of this network."""
        return (*_EVERYBODY.splitlines(), *self._authorities)

    @property
    def tors(self) -> tuple[TorProcess, ...]:
        """What was started: all nodes, and the clients."""
        return tuple(self._processes)

    def start(self) -> None:
        """
        Start all nodes and wait until each knows every other one.

        Raises:
            NetworkNotReady: If that takes longer than it should.
        """
        until = self._clock.now() + READY_SECONDS
        self._nodes = self._lay_out()
        with ThreadPoolExecutor(AUTHORITIES) as pool:
            self._authorities = tuple(
                pool.map(self._identify, self._nodes[:AUTHORITIES])
            )
        for node in self._nodes:
            node.torrc.write_text(node.render(self._authorities), encoding="utf-8")
        begin = FIRST_VOTE_SECONDS - START_BEFORE_VOTE_SECONDS
        self._clock.sleep((begin - self._clock.now()) % FIRST_VOTE_SECONDS)
        try:
            for node in self._nodes:
                self._processes.append(
                    TorProcess(node.torrc, log=node.log, program=self._tor)
                )
            self._wait(self._is_voted, until, "the authorities agree on no consensus")
            self._wait_for_descriptors(until)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all nodes.  May be called twice."""
        for process in reversed(self._processes):
            process.stop()
        self._processes.clear()

    def client(self, name: str, *, key_directory: Path | None = None) -> "Client":
        """
        Start a client of this network.

        Args:
            name: Of its folder.

            key_directory: With its keys for services that are not for everybody.
        """
        directory = self._directory / name
        _empty(directory)
        (port,) = free_ports(1)
        torrc = directory / "torrc"
        lines = [
            *node_lines(directory, self._authorities),
            f"SocksPort {LOOPBACK}:{port} IsolateSOCKSAuth",
        ]
        if key_directory is not None:
            lines.append(f"ClientOnionAuthDir {quoted(key_directory)}")
        torrc.write_text("\n".join([*lines, ""]), encoding="utf-8")
        process = TorProcess(torrc, log=directory / "tor.log", program=self._tor)
        self._processes.append(process)
        return Client(port, directory, process)

    def _lay_out(self) -> tuple[_Node, ...]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        ports = iter(free_ports(2 * AUTHORITIES + RELAYS, address=self._address))
        names = [
            *(f"authority{number}" for number in range(AUTHORITIES)),
            *(f"relay{number}" for number in range(RELAYS)),
        ]
        nodes = []
        for name in names:
            directory = self._directory / name
            _empty(directory)
            authority = name.startswith("authority")
            nodes.append(
                _Node(
                    name,
                    directory,
                    self._address,
                    next(ports),
                    next(ports) if authority else None,
                )
            )
        return tuple(nodes)

    def _identify(self, node: _Node) -> str:
        """Make an authority's keys and return the line by which it is known."""
        keys = node.directory / "keys"
        certificate = keys / "authority_certificate"
        if not certificate.exists():
            keys.mkdir(mode=0o700, exist_ok=True)
            # Nobody will need it again: the key lives as long as its folder.
            passphrase = secrets.token_hex(16).encode()
            subprocess.run(
                [
                    *(self._gencert, "--create-identity-key", "--passphrase-fd", "0"),
                    *("-i", keys / "authority_identity_key"),
                    *("-s", keys / "authority_signing_key"),
                    *("-c", certificate, "-m", _GENCERT_MONTHS),
                ],
                input=passphrase + b"\n",
                capture_output=True,
                check=True,
            )
        # A torrc of an authority needs some authority before it tells its own.
        node.torrc.write_text(
            node.render([f"DirAuthority nobody 127.0.0.1:1 {'f' * 40}"]),
            encoding="utf-8",
        )
        said = subprocess.run(
            [
                *(self._tor, "--list-fingerprint", "-f", node.torrc, "--quiet"),
                *("--defaults-torrc", "/dev/null"),
            ],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        relay = re.search(rf"^{node.nickname} ([0-9A-F ]+)$", said.stdout, re.MULTILINE)
        identity = re.search(
            r"^fingerprint (\w+)", certificate.read_text("ascii"), re.MULTILINE
        )
        if relay is None or identity is None:
            raise TorRefused(f"{node.nickname} has no fingerprint: {said.stdout}")
        return (
            f"DirAuthority {node.nickname} orport={node.or_port} no-v2 "
            f"v3ident={identity[1]} {node.address}:{node.directory_port} "
            f"{relay[1].replace(' ', '')}"
        )

    def _is_voted(self) -> bool:
        """Tell whether the consensus has every node with every flag it needs."""
        flags = _flags_of(_consensus(self._nodes[0]))
        return all(flags.get(node.nickname, set()) >= _FLAGS for node in self._nodes)

    def _wait_for_descriptors(self, until: float) -> None:
        # A client that asks a relay which has none asks again only much later.
        for node in self._nodes:
            with connect(
                node.control_socket, clock=self._clock.now, until=until
            ) as control:
                self._wait(
                    partial(self._knows_all, control),
                    until,
                    f"{node.nickname} does not know the others",
                )

    def _knows_all(self, control: Control) -> bool:
        known = control.descriptors().count("ntor-onion-key ")
        if known >= len(self._nodes):
            return True
        for process in self._processes:
            # So that they forget how long they meant to wait before they ask again.
            process.reload()
        self._clock.sleep(0.4)
        return False

    def _wait(self, ready: Callable[[], bool], until: float, what: str) -> None:
        while not ready():
            for process in self._processes:
                if not process.running:
                    raise NetworkNotReady(f"a relay has ended: {process.last_words()}")
            if self._clock.now() > until:
                raise NetworkNotReady(f"{NetworkNotReady.__doc__} ({what})")
            self._clock.sleep(0.1)


@dataclass(frozen=True)
class Client:
    """
    A client of the private network.

    Attributes:
        socks_port: On 127.0.0.1; circuits are apart by SOCKS user name.

        directory: Its state, with the control socket.
    """

    socks_port: int
    directory: Path
    process: TorProcess

    @property
    def control_socket(self) -> Path:
        """Where it can be asked."""
        return self.directory / "control"


def free_ports(count: int, *, address: str = LOOPBACK) -> list[int]:
    """Return ports of an address of this machine that nobody listens on now."""
    sockets = []
    try:
        for _ in range(count):
            one = socket.socket()
            sockets.append(one)
            one.bind((address, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _empty(directory: Path) -> None:
    """Make a node's folder, or leave nothing in it but keys."""
    directory.mkdir(mode=0o700, exist_ok=True)
    for left in directory.iterdir():
        # What was known of an earlier network is worth less than nothing.
        if left.is_dir() and left.name != "keys":
            shutil.rmtree(left)
        elif not left.is_dir():
            left.unlink()


def _consensus(authority: _Node) -> str:
    address = (
        f"http://{authority.address}:{authority.directory_port}"
        "/tor/status-vote/current/consensus-microdesc"
    )
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            content: bytes = answer.read()
    except (OSError, urllib.error.HTTPError):
        return ""
    return content.decode("utf-8", "replace")


def _flags_of(consensus: str) -> dict[str, set[str]]:
    """Read the flags of every relay in a consensus (dir-spec, "r" and "s" lines)."""
    found: dict[str, set[str]] = {}
    nickname = ""
    for line in consensus.splitlines():
        keyword, _space, rest = line.partition(" ")
        if keyword == "r":
            nickname = rest.partition(" ")[0]
        elif keyword == "s" and nickname:
            found[nickname] = set(rest.split())
    return found
