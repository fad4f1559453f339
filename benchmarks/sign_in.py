"""Signing in: one reporter, and twenty at the same moment."""

import statistics
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

from support.server import Service

from benchmarks.figures import Figure, milliseconds, spread
from benchmarks.footprint import Footprint
from benchmarks.reporters import (
    Timed,
    all_at_once,
    new_reporter,
    new_visitor,
    prepared_form,
    wall_seconds,
)
from casework.profile import MEGABYTE

CROWD = 20


def measure(service: Service, rounds: int) -> Iterator[Figure]:
    """Sign in alone, then twenty at once; time and memory."""
    codenames = [new_reporter(service)[1] for _ in range(CROWD)]
    yield from _measure(service, rounds * 2, codenames[:1])
    yield from _measure(service, max(3, rounds // 2), codenames)


def _measure(service: Service, rounds: int, codenames: list[str]) -> Iterator[Figure]:
    seconds, walls, peaks, growths = [], [], [], []
    for _ in range(rounds):
        steps = [_prepared(service, codename) for codename in codenames]
        with Footprint(service.members) as footprint:
            answers = all_at_once(steps)
        seconds += [answer.seconds for answer in answers]
        walls.append(wall_seconds(answers))
        peaks.append(footprint.peak_bytes / MEGABYTE)
        growths.append(footprint.growth_bytes / MEGABYTE)
    who = "one alone" if len(codenames) == 1 else f"{len(codenames)} at once"
    yield Figure(f"sign-in, {who}", spread(seconds))
    if len(codenames) > 1:
        wall = milliseconds(statistics.median(walls))
        yield Figure("  until the last of them is in", wall)
    yield Figure(
        "  peak memory of the whole server",
        f"{max(peaks):.0f} MB (growth {max(growths):.0f} MB)",
    )


def _prepared(service: Service, codename: str) -> Callable[[], Timed]:
    visitor = new_visitor(service)
    form = visitor.get("/case/sign-in").hidden("/case/sign-in")
    body = urlencode({**form, "codename": codename}).encode("ascii")
    return prepared_form(visitor, "/case/sign-in", body, leads_to="/case/")
