"""
Cells: what a tor counted on a circuit of its own.

    tor --CIRC_BW, once a second for each circuit in use--> sums --> Cells so far

A cell is 514 bytes on the link, 509 of them its body; tor counts in bodies, both ways.
Cells that carry no data count, too: those that open and end a stream, and those that
acknowledge others.  The event is specified in control-spec,
https://spec.torproject.org/control-spec/replies.html.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stem.control import Controller, EventType
from stem.response.events import CircuitBandwidthEvent

BODY_BYTES = 509
# Tor tells once a second what was since it told last.
TOLD_SECONDS = 1.2


@dataclass(frozen=True)
class Cells:
    """Cells of one circuit, seen from the client."""

    to_service: int = 0
    from_service: int = 0

    def __sub__(self, other: "Cells") -> "Cells":
        return Cells(
            self.to_service - other.to_service, self.from_service - other.from_service
        )


class CellWatch:
    """Adds up what a client's tor tells; made by `watching`."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._lock = threading.Lock()
        self._sent: Counter[str] = Counter()
        self._received: Counter[str] = Counter()

    def hear(self, event: CircuitBandwidthEvent) -> None:
        """Add one event."""
        with self._lock:
            self._sent[event.id] += event.written
            self._received[event.id] += event.read

    def of(self, user: str) -> Cells:
        """Return what the circuits to services of a SOCKS user have had until now."""
        time.sleep(TOLD_SECONDS)
        circuits = [
            circuit.id
            for circuit in self._controller.get_circuits()
            if circuit.socks_username == user and circuit.purpose == "HS_CLIENT_REND"
        ]
        with self._lock:
            return Cells(
                sum(self._sent[one] for one in circuits) // BODY_BYTES,
                sum(self._received[one] for one in circuits) // BODY_BYTES,
            )


@contextmanager
def watching(control_socket: Path) -> Iterator[CellWatch]:
    """Listen to a client's tor for as long as the block lasts."""
    with Controller.from_socket_file(str(control_socket)) as controller:
        controller.authenticate()
        watch = CellWatch(controller)
        controller.add_event_listener(watch.hear, EventType.CIRC_BW)
        yield watch
