"""
Control: what a running tor says of itself, over its control socket (stem).

    how far is it?  read your folders again!  begin anew with these services!

What it publishes is read by `tor.descriptor`.  The control protocol is specified at https://spec.torproject.org/control-spec/.
"""

import logging
import queue
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import stem
import stem.connection
import stem.control
import stem.response
import stem.socket

from tor.address import SUFFIX, OnionAddress
from tor.descriptor import Published
from tor.errors import NetworkNotReady, TorNotRunning, TorRefused
from tor.torrc import Service

PAUSE_SECONDS: Final = 0.05
RELOAD_SECONDS: Final = 2.0
FETCH_AGAIN_SECONDS: Final = 4.0

# At its lower levels stem logs what is said, and addresses with it.
logging.getLogger("stem").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Bootstrap:
    """
    How far tor has come into the network.

    Attributes:
        percent: 100 when circuits can be made.

        summary: In tor's own words.

        warning: What keeps it, in tor's own words; "" if it knows of nothing.
    """

    percent: int
    summary: str
    warning: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.percent} %, {self.warning or self.summary}"

    @property
    def done(self) -> bool:
        """Whether tor is in the network."""
        return self.percent == 100


class Control:
    """A connection to a running tor; made by `connect`."""

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection

    def bootstrap(self) -> Bootstrap:
        """
        Return how far tor has come.

        Raises:
            TorNotRunning: If it has ended.
        """
        said = self._info("status/bootstrap-phase")
        # NOTICE BOOTSTRAP PROGRESS=100 TAG=done SUMMARY="Done"
        progress = said.partition("PROGRESS=")[2].partition(" ")[0]
        summary = said.partition('SUMMARY="')[2].partition('"')[0]
        # WARN BOOTSTRAP PROGRESS=10 ... WARNING="Network is unreachable" REASON=NOROUTE
        warning = said.partition('WARNING="')[2].partition('"')[0]
        return Bootstrap(int(progress or 0), summary, warning)

    def version(self) -> str:
        """Return the version of tor that runs."""
        return self._info("version").partition(" ")[0]

    def descriptors(self) -> str:
        """Return the microdescriptors of relays that it has."""
        try:
            return self._info("md/all")
        except TorRefused:
            return ""  # It has none yet.

    def consensus_span(self) -> tuple[datetime, datetime] | None:
        """
        Return from when until when what tor knows of the network counts.

        Raises:
            TorNotRunning: If it has ended.

        Returns:
            None if it knows nothing yet.
        """
        after = self._info("consensus/valid-after")
        until = self._info("consensus/valid-until")
        if not after or not until:
            return None
        return _time_in(after), _time_in(until)

    def reload(self) -> None:
        """
        Let it read its torrc and its clients' keys again, and wait a little.

        What tor publishes is numbered by seconds.  Of two changes in one second the
        network would keep the first, for hours.

        Raises:
            TorNotRunning: If it has ended.
        """
        self._say("SIGNAL RELOAD")
        time.sleep(RELOAD_SECONDS)

    def serve(self, services: Sequence[Service]) -> None:
        """
        Serve exactly these onion services, one at least.

        One that was served before and is not named ends at once, with all its
        circuits and introduction points; one that is named again later begins with
        new ones, which nobody's cached descriptor knows.  Others do not notice.

        Raises:
            TorNotRunning: If it has ended.

            TorRefused: If tor does not accept a service.
        """
        options = [
            f"{keyword}={_quoted_string(value)}"
            for service in services
            for line in service.lines()
            for keyword, _space, value in [line.partition(" ")]
        ]
        # It replaces all lines of all services together.
        self._say(f"SETCONF {' '.join(options)}")

    def published(self, address: OnionAddress, *, seconds: float) -> Published | None:
        """
        Fetch a service's descriptor from the network, as a client would.

        Args:
            address: Of the service.

            seconds: How long to wait for it.

        Raises:
            TorNotRunning: If it has ended.

        Returns:
            What it says; None if nobody has it.
        """
        name = address.removesuffix(SUFFIX)
        self._say("SETEVENTS HS_DESC_CONTENT")
        try:
            content = self._fetched(name, until=time.monotonic() + seconds)
        finally:
            self._say("SETEVENTS")
        return Published.read(content, address) if content else None

    def _fetched(self, name: str, *, until: float) -> str:
        forgotten = False
        while (left := until - time.monotonic()) > 0:
            self._say(f"HSFETCH {name}")
            wait = min(left, FETCH_AGAIN_SECONDS)
            content = self._connection.descriptor_of(name, seconds=wait)
            if content:
                return content
            if not forgotten:
                # Tor asks no relay twice in a quarter of an hour, so that who looks
                # often finds nothing, unless it forgets whom it has asked.  It does so
                # within ten seconds.
                self._say("SIGNAL NEWNYM")
                forgotten = True
        return ""

    def _say(self, command: str) -> stem.response.ControlMessage:
        try:
            answer = self._connection.msg(command)
        except stem.ControllerError as error:
            raise TorNotRunning(f"tor does not answer: {error}") from None
        if not answer.is_ok():
            raise TorRefused(f"tor refuses: {answer}")
        return answer

    def _info(self, key: str) -> str:
        answer = self._say(f"GETINFO {key}")
        stem.response.convert("GETINFO", answer)
        return str(answer.entries[key].decode("utf-8", "replace"))


class _Connection(stem.control.BaseController):  # type: ignore[misc]  # Untyped.
    """
    A connection, with the events that came over it.

    Not stem's Controller: that one listens for reloads, too, and whoever reloads tor
    and hangs up at once is then waited for by a thread of their own, for ever.
    """

    def __init__(self, control_socket: Path) -> None:
        self._events: queue.Queue[stem.response.ControlMessage] = queue.Queue()
        super().__init__(stem.socket.ControlSocketFile(str(control_socket)))

    def descriptor_of(self, name: str, *, seconds: float) -> str:
        """Wait for the descriptor of a service; return "" if none comes."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=left)
            except queue.Empty:
                break
            stem.response.convert("EVENT", event)
            # An empty one comes from every relay that has none.
            content = str(event.descriptor or "").strip()
            if event.address == name and content:
                return content
        return ""

    def _handle_event(self, event_message: stem.response.ControlMessage) -> None:
        self._events.put(event_message)


def is_running(control_socket: Path) -> bool:
    """Tell whether a tor listens at a control socket, whoever may ask it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(control_socket))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True
    return True


@contextmanager
def connect(
    control_socket: Path,
    *,
    clock: Callable[[], float] = time.time,
    until: float | None = None,
) -> Iterator[Control]:
    """
    Connect to a tor on this machine.

    Args:
        control_socket: Its path.

        clock: Seconds, for *until*.

        until: Try again until then; None for once.

    Raises:
        TorNotRunning: If no tor answers.
    """
    while (connection := _authenticated(control_socket, clock, until)) is None:
        time.sleep(PAUSE_SECONDS)
    with connection:
        yield Control(connection)


def wait_until_in_network(
    control_socket: Path,
    *,
    seconds: float,
    tell: Callable[[Bootstrap], object] = lambda bootstrap: None,
) -> None:
    """
    Wait until a tor that was just started can make circuits.

    Args:
        control_socket: Its path.

        seconds: How long.

        tell: Told how far tor has come, whenever that is something else.

    Raises:
        TorNotRunning: If no tor answers.

        NetworkNotReady: If it takes longer than *seconds*.
    """
    until = time.monotonic() + seconds
    told = None
    with connect(control_socket, clock=time.monotonic, until=until) as control:
        while not (bootstrap := control.bootstrap()).done:
            if bootstrap != told:
                tell(bootstrap)
                told = bootstrap
            if time.monotonic() > until:
                raise NetworkNotReady(f"tor is not in the network: {bootstrap}")
            time.sleep(PAUSE_SECONDS)


def _authenticated(
    control_socket: Path, clock: Callable[[], float], until: float | None
) -> _Connection | None:
    """Connect once; return None if that may be tried again."""
    try:
        # stem leaves its own socket open when nobody listens.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(str(control_socket))
        connection = _Connection(control_socket)
        try:
            stem.connection.authenticate(connection)
        except BaseException:
            connection.close()
            raise
    except (OSError, stem.SocketError, stem.connection.AuthenticationFailure) as error:
        if until is not None and clock() <= until:
            return None
        raise TorNotRunning(f"no tor answers at {control_socket}: {error}") from None
    return connection


def _time_in(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def _quoted_string(value: str) -> str:
    """Write a value of a torrc as a QuotedString (control-spec 2.1.1)."""
    if value.startswith('"'):
        return value  # Both quote in the same way.
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
