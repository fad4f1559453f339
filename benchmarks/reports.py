"""Reports: how many of 2 kB a server takes in a second."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from support.server import Service

from benchmarks.figures import Figure, spread
from benchmarks.reporters import (
    Timed,
    new_reporter,
    new_visitor,
    prepared_form,
    timed,
)

CLIENTS = 8
REPORTS_EACH = 6
# Text, not one short sentence over and over: seven words in a row that could be a
# codename are refused, as they must be.
TEXT = ("Uraian uji 2026-11-24: Rp 1.250.000, kuitansi no. 17. " * 50)[:2048]
ANSWERS = {"title": "Judul uji", "what": TEXT}


def measure_whole(service: Service, rounds: int) -> Iterator[Figure]:
    """Go the whole way, from the first page to the acknowledgement."""

    def report() -> Timed:
        visitor = new_visitor(service)
        visitor.draw_codename()
        form = visitor.get("/report/write").hidden("/report/write")
        answer = timed(
            lambda: visitor.post("/report/write", {**form, **ANSWERS}, follow=False),
            leads_to="/report/acknowledged",
        )
        visitor.get("/report/acknowledged")
        return answer

    rates, seconds = _crowd(rounds, lambda: [report] * CLIENTS * REPORTS_EACH)
    yield Figure(
        f"reports of 2 kB, first page to acknowledgement, {CLIENTS} clients",
        f"{statistics.median(rates):.1f} /s",
    )
    yield Figure("  its last step, sending, among all the others", spread(seconds))


def measure_sending(service: Service, rounds: int) -> Iterator[Figure]:
    """Send reports that are written already, by reporters with a codename."""

    def prepare() -> Callable[[], Timed]:
        visitor = new_visitor(service)
        visitor.draw_codename()
        form = visitor.get("/report/write").hidden("/report/write")
        body = urlencode({**form, **ANSWERS}).encode("ascii")
        return prepared_form(
            visitor, "/report/write", body, leads_to="/report/acknowledged"
        )

    rates, seconds = _crowd(
        rounds, lambda: [prepare() for _ in range(CLIENTS * REPORTS_EACH)]
    )
    yield Figure(
        f"reports of 2 kB, sending alone, {CLIENTS} clients",
        f"{statistics.median(rates):.1f} /s",
    )
    yield Figure("  one of them", spread(seconds))


def warm_up(service: Service) -> None:
    """Have every worker do everything once: the first time loads what it needs."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(new_reporter, [service] * CLIENTS))


def _crowd(
    rounds: int, prepare: Callable[[], list[Callable[[], Timed]]]
) -> tuple[list[float], list[float]]:
    """Return reports per second of each round, and the seconds of each sending."""
    rates, seconds = [], []
    for _ in range(rounds):
        steps = prepare()
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda step: step(), steps))
        rates.append(len(answers) / (time.perf_counter() - began))
        seconds += [answer.seconds for answer in answers]
    return rates, seconds
