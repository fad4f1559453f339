"""
What people do when a service was away: "New Identity", and they try again.

A tor waits for minutes for what was open when a service lost its power, and believes
what it knew of the service.  That says nothing about the service, which is why tests
of what comes back begin anew.
"""

import contextlib
import itertools
import time
from collections.abc import Callable
from pathlib import Path

from stem import InvalidArguments, Signal
from stem.control import Controller
from support.socks import Socks

TRY_SECONDS = 30.0
_PAUSE_SECONDS = 1.0


def begin_anew(control_socket: Path) -> None:
    """Let a tor forget all circuits, and all that it knows of services."""
    with Controller.from_socket_file(str(control_socket)) as controller:
        controller.authenticate()
        for circuit in controller.get_circuits(default=[]):
            with contextlib.suppress(InvalidArguments):
                controller.close_circuit(circuit.id)
        controller.signal(Signal.NEWNYM)


def reached_anew(
    through: Callable[[str], Socks],
    begin: Callable[[], None],
    address: str,
    *,
    seconds: float,
) -> Socks:
    """
    Try on new circuits until a service is reached, and return the way there.

    Args:
        through: Makes a way with circuits of its own, from a name.

        begin: Begins anew, after a try that failed.

        address: Of the service.

        seconds: After which no further try is made.

    Raises:
        OSError: From the last try.
    """
    until = time.monotonic() + seconds
    names = (f"try-{number}" for number in itertools.count())
    while True:
        socks = through(next(names))
        try:
            socks.connect(address, seconds=TRY_SECONDS).close()
        except OSError:
            if time.monotonic() > until:
                raise
        else:
            return socks
        begin()
        time.sleep(_PAUSE_SECONDS)
