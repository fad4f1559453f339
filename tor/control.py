"""
Control: what a running tor says of itself, over its control socket (stem).

    bootstrapped?  descriptors published?  for clients with a key only?

The control protocol is specified at https://spec.torproject.org/control-spec/.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import stem
import stem.control
from stem.descriptor.hidden_service import HiddenServiceDescriptorV3

from tor.errors import TorNotRunning

PAUSE_SECONDS: Final = 0.05


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

    def end_circuits(self) -> int:
        """Close all circuits, so that whoever is connected has to come in anew."""
        closed = 0
        for circuit in self._controller.get_circuits([]):
            try:
                self._controller.close_circuit(circuit.id)
            except (stem.ControllerError, ValueError):
                continue  # It has ended by itself meanwhile.
            closed += 1
        return closed

    def published_descriptor(
        self, address: str, *, seconds: float
    ) -> HiddenServiceDescriptorV3 | None:
        """
        Fetch a service's descriptor from the network, as a client would.

        Args:
            address: With or without ".onion".

            seconds: How long to wait for it.

        Returns:
            The outer layer; None if nobody has it.
        """
        found: list[str] = []

        def take(event: stem.response.events.HSDescContentEvent) -> None:
            content = event.descriptor
            if content is not None and str(content).strip():
                found.append(str(content))

        name = address.removesuffix(".onion")
        self._controller.add_event_listener(take, stem.control.EventType.HS_DESC_CONTENT)
        try:
            self._controller.msg(f"HSFETCH {name}")
            until = time.monotonic() + seconds
            while not found and time.monotonic() < until:
                time.sleep(PAUSE_SECONDS)
        finally:
            self._controller.remove_event_listener(take)
        return HiddenServiceDescriptorV3.from_str(found[0]) if found else None

    def _info(self, key: str) -> str:
        try:
            said = self._controller.get_info(key)
        except stem.ControllerError as error:
            raise TorNotRunning(f"tor does not answer: {error}") from None
        return str(said)


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
    while True:
        try:
            controller = stem.control.Controller.from_socket_file(str(control_socket))
            controller.authenticate()
            break
        except (stem.SocketError, stem.connection.AuthenticationFailure) as error:
            if until is None or clock() > until:
                raise TorNotRunning(
                    f"no tor answers at {control_socket}: {error}"
                ) from None
            time.sleep(PAUSE_SECONDS)
    with controller:
        yield Control(controller)
