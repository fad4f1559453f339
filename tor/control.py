"""
Control: what a running tor says of itself, over its control socket (stem).

    how far is it?  read your folders again!  begin anew with these services!

What it publishes is read by `tor.descriptor`.  The control protocol is specified at https://spec.torproject.org/control-spec/.
"""

import logging
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

from tor.address import SUFFIX, OnionAddress
from tor.descriptor import Published
from tor.errors import TorNotRunning, TorRefused
from tor.torrc import OnionService

PAUSE_SECONDS: Final = 0.05

# At its lower levels stem logs what is said, and addresses with it.
logging.getLogger("stem").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Bootstrap:
    """
    How far tor has come into the network.

    Attributes:
        percent: 100 when circuits can be made.

        summary: In tor's own words.
    """

    percent: int
    summary: str

    @property
    def done(self) -> bool:
        """Whether tor is in the network."""
        return self.percent == 100


class Control:
    """A connection to a running tor; made by `connect`."""

    def __init__(self, controller: stem.control.Controller) -> None:
        self._controller = controller

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
        return Bootstrap(int(progress or 0), summary)

    def version(self) -> str:
        """Return the version of tor that runs."""
        return self._info("version").partition(" ")[0]

    def descriptors(self) -> str:
        """Return the microdescriptors of relays that it has."""
        try:
            return self._info("md/all")
        except TorNotRunning:
            return ""

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

    def process_id(self) -> int:
        """Return the number of its process."""
        return int(self._info("process/pid"))

    def reload(self) -> None:
        """
        Let it read its torrc and its clients' keys again.

        Raises:
            TorNotRunning: If it has ended.
        """
        self._say("SIGNAL RELOAD")

    def serve(self, services: Sequence[OnionService]) -> None:
        """
        Serve exactly these onion services.

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
        # SETCONF replaces all lines of all services together; without any,
        # RESETCONF takes them away.
        if options:
            self._say(f"SETCONF {' '.join(options)}")
        else:
            self._say("RESETCONF HiddenServiceDir")

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
        found: list[str] = []

        def take(event: stem.response.events.HSDescContentEvent) -> None:
            content = event.descriptor
            if content is not None and str(content).strip():
                found.append(str(content))

        self._controller.add_event_listener(
            take, stem.control.EventType.HS_DESC_CONTENT
        )
        try:
            self._say(f"HSFETCH {address.removesuffix(SUFFIX)}")
            until = time.monotonic() + seconds
            while not found and time.monotonic() < until:
                time.sleep(PAUSE_SECONDS)
        finally:
            self._controller.remove_event_listener(take)
        return Published.read(found[0], address) if found else None

    def _say(self, command: str) -> None:
        try:
            answer = self._controller.msg(command)
        except stem.ControllerError as error:
            raise TorNotRunning(f"tor does not answer: {error}") from None
        if not answer.is_ok():
            raise TorRefused(f"tor refuses: {answer}")

    def _info(self, key: str) -> str:
        try:
            said = self._controller.get_info(key)
        except stem.ControllerError as error:
            raise TorNotRunning(f"tor does not answer: {error}") from None
        return str(said)


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
    while (controller := _authenticated(control_socket, clock, until)) is None:
        time.sleep(PAUSE_SECONDS)
    with controller:
        yield Control(controller)


def _authenticated(
    control_socket: Path, clock: Callable[[], float], until: float | None
) -> stem.control.Controller | None:
    """Connect once; return None if that may be tried again."""
    try:
        # stem leaves its own socket open when nobody listens.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(str(control_socket))
        controller = stem.control.Controller.from_socket_file(str(control_socket))
        try:
            controller.authenticate()
        except BaseException:
            controller.close()
            raise
    except (OSError, stem.SocketError, stem.connection.AuthenticationFailure) as error:
        if until is not None and clock() <= until:
            return None
        raise TorNotRunning(f"no tor answers at {control_socket}: {error}") from None
    return controller


def _time_in(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def _quoted_string(value: str) -> str:
    """Write a value of a torrc as a QuotedString (control-spec 2.1.1)."""
    if value.startswith('"'):
        return value  # Both quote in the same way.
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
