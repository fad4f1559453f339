"""
Measure what reporters and officers wait for, and what it costs.

    make bench
    PYTHONPATH=tests .venv/bin/python -m benchmarks [ROUNDS] [PART ...]

A whole Bisik with two officers is made in a temporary folder on a real disk, and
`bisik serve` runs on it as it does in life; reporters go through it over HTTP on
the loopback, and through a private Tor network.  Clients and relays take their share of
the same cores.

docs/performance.md says what the figures mean.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from support.server import Service, made_service

from benchmarks import (
    attachments,
    desk,
    flood,
    machine,
    over_tor,
    pages,
    reports,
    sign_in,
    volume,
)
from benchmarks.figures import Figure, render

ROUNDS = 15
OFFICERS = 2
# Not /tmp, which may be in memory, where nothing has to be made durable.
DISK = "/var/tmp"  # noqa: S108 - a folder of our own is made in it.

Part = Callable[[Service, int], Iterator[Figure]]
PARTS: Mapping[str, Part] = {
    "file": attachments.measure_one_file,
    "files": lambda service, rounds: attachments.measure_many_files(
        service, max(1, rounds // 5)
    ),
    "whole": lambda service, rounds: reports.measure_whole(
        service, max(1, rounds // 5)
    ),
    "sending": lambda service, rounds: reports.measure_sending(
        service, max(1, rounds // 5)
    ),
    "sign-in": sign_in.measure,
    "pages": pages.measure,
    "flood": flood.measure,
    "tor": lambda service, rounds: over_tor.measure(service, max(1, rounds // 3)),
    "desk": desk.measure,
    "volume": volume.measure,
}


def main(arguments: Sequence[str]) -> None:
    """Measure the named parts, or all of them, and print a table."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    parts = arguments[1:] or list(PARTS)
    sys.stdout.write(f"{machine.describe()}\n\n")
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="bisik-bench-", dir=DISK) as base,
        made_service(Path(base), officers=OFFICERS) as service,
    ):
        service.start()
        reports.warm_up(service)
        for part in parts:
            figures += PARTS[part](service, rounds)
    sys.stdout.write(f"{render(figures)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
