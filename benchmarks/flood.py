"""
A flood: one reporter who returns, against fifty hostile circuits.

    50 circuits, 2 guesses under way on each --+
    24 circuits, an upload that drips each   --+--> Unix socket --> bisik serve
    a reporter, each time on a new circuit   --+

As behind Tor, but without Tor: what is measured is what the site does with what
arrives.  The hostile clients take their share of the same cores.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from support.circuits import visitor_on
from support.flood import Flood, dripping, flooding
from support.onions import short_folder
from support.server import Service

from benchmarks.figures import Figure, milliseconds
from benchmarks.pages import set_pace
from ops.settings import PACE_MILLISECONDS

GUESSING = range(1000, 1050)
DRIPPING = range(5000, 5024)
REPORTERS = iter(range(10, 1000))
TIMEOUT_SECONDS = 300
# Between two visits of the reporter.
PAUSE_SECONDS = 1.0


@dataclass
class Visits:
    """Sign-ins of the reporter, and how long the accepted ones took."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def told(self) -> str:
        """Median, worst, and how many failed."""
        if not self.seconds:
            return f"none of {self.refused} got in"
        return (
            f"median {milliseconds(statistics.median(self.seconds))}, "
            f"worst {milliseconds(max(self.seconds))}; "
            f"{self.refused} of {len(self.seconds) + self.refused} refused"
        )


def measure(service: Service, rounds: int) -> Iterator[Figure]:
    """Sign in without and with the flood, at the pace of every day."""
    set_pace(service, PACE_MILLISECONDS)
    service.stop()
    try:
        with short_folder() as folder:
            yield from _measure(service, folder / "site.sock", rounds)
    finally:
        service.stop()
        service.socket = None
        set_pace(service, 0)


def _measure(service: Service, path: Path, rounds: int) -> Iterator[Figure]:
    service.start_on_socket(path)
    reporter, hostile = visitor_on(path, 1), visitor_on(path, 2)
    codename = reporter.draw_codename()
    reporter.send_report()
    hostile.draw_codename()
    hostile.send_report()

    calm = _visits(path, codename, rounds)
    with ExitStack() as stack:
        stack.enter_context(dripping(path, hostile, DRIPPING))
        flood = stack.enter_context(flooding(path, GUESSING))
        watch = _Watch(flood)
        at_first = _visits(path, codename, 1)
        flooded = _visits(path, codename, rounds)
        guesses = watch.told()
        service.kill()
    yield Figure("sign-in of a reporter, no flood", calm.told)
    yield Figure("  the first one, as the flood begins", at_first.told)
    yield Figure(
        "  while 50 circuits flood", flooded.told, "0 refused", flooded.refused == 0
    )
    if flooded.seconds:
        ratio = statistics.median(flooded.seconds) / statistics.median(calm.seconds)
        yield Figure("  medians, with the flood to without", f"{ratio:.1f}")
    yield Figure("  of the flood, in a second", guesses)


class _Watch:
    """Counts what a flood gets from now on."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._began = time.perf_counter()

    def told(self) -> str:
        """Guesses looked at and turned away."""
        seconds = time.perf_counter() - self._began
        answers = self._flood.answers
        return (
            f"{answers[303] / seconds:.1f} looked at, "
            f"{answers[503] / seconds:.1f} asked to wait"
        )


def _visits(path: Path, codename: str, rounds: int) -> Visits:
    visits = Visits()
    for _ in range(rounds):
        visitor = visitor_on(path, next(REPORTERS), timeout_seconds=TIMEOUT_SECONDS)
        began = time.perf_counter()
        page = visitor.sign_in(codename)
        seconds = time.perf_counter() - began
        if page.status == 200 and "/case/message" in page.text:
            visits.seconds.append(seconds)
        else:
            visits.refused += 1
        time.sleep(PAUSE_SECONDS)
    return visits
