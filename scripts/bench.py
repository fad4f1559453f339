"""
Measure what a reporter waits for, on this machine.

    PYTHONPATH=tests .venv/bin/python scripts/bench.py [ROUNDS]

A whole Bisik is made in a temporary folder, with real keys, and one reporter after
another goes through it in this process.  What comes on top in life is not measured:
the circuit of Tor, the web server, and other reporters at the same time.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.visitor import Page, Upload, Visitor

from casework.profile import MEGABYTE
from ops.edge import Edge
from ops.newcomer import prepare
from ops.server import open_server
from ops.serving import make_services
from source_app.app import create_app

ROUNDS = 10
MEMORY = "/dev/shm"  # noqa: S108 - a folder of our own is made in it.
TEXT = "Yang saya tahu adalah bahwa hal itu terjadi. " * 50


class Stopwatch:
    """Times of steps, in the order in which they were first taken."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def time(self, step: str, go: Callable[[], Page]) -> Page:
        """Take one step, which must succeed, and remember how long it took."""
        before = time.perf_counter()
        page = go()
        self.seconds.setdefault(step, []).append(time.perf_counter() - before)
        if page.status != 200:
            raise SystemExit(f"bisik: error: {step}: the site answered {page.status}")
        return page


@contextmanager
def whole_bisik() -> Iterator[Callable[[], Visitor]]:
    """Make a Bisik that is gone afterwards; yield what opens a browser window."""
    with (
        tempfile.TemporaryDirectory(prefix="bisik-bench-") as disk,
        tempfile.TemporaryDirectory(prefix="bisik-bench-", dir=MEMORY) as memory,
    ):
        edge = Edge(memory=Path(memory))
        playground = prepare(Path(disk) / "bisik", edge)
        with open_server(playground.server, edge) as server:
            app = create_app(make_services(server, edge))
            yield lambda: Visitor.of(app)


def be_a_reporter(open_window: Callable[[], Visitor], watch: Stopwatch) -> None:
    """Report, come back another day, and send what was found."""
    visitor = open_window()
    watch.time("read the first page", lambda: visitor.get("/"))
    codename = visitor.draw_codename()
    watch.time("send a report", lambda: visitor.send_report(what=TEXT))

    visitor = open_window()
    watch.time("sign in", lambda: visitor.sign_in(codename))
    watch.time("read the case page", lambda: visitor.get("/case/"))
    watch.time("send a message", lambda: visitor.send_message(TEXT))
    photo = Upload("foto.jpg", os.urandom(5 * MEGABYTE))
    watch.time("send a file of 5 MB", lambda: visitor.send_files(photo))


def main(rounds: int) -> None:
    """Measure, and print a table."""
    watch = Stopwatch()
    with whole_bisik() as open_window:
        for _ in range(rounds):
            be_a_reporter(open_window, watch)
    sys.stdout.write(f"{'milliseconds':22}  median  slowest of {rounds}\n")
    for step, seconds in watch.seconds.items():
        median, slowest = statistics.median(seconds), max(seconds)
        sys.stdout.write(f"{step:22}  {median * 1000:6.0f}  {slowest * 1000:7.0f}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
