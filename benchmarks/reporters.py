"""Reporters: what a browser does, with a clock on one request."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier

from support.server import Service
from support.visitor import FORM_TYPE, Page, Upload, Visitor, multipart

TIMEOUT_SECONDS = 300


class BenchmarkFault(Exception):
    """The site did not answer as it must, so the times mean nothing."""


@dataclass(frozen=True)
class Timed:
    """
    An answer, and when it came.

    Attributes:
        began: By the monotonic clock.

        ended: When the last byte of the answer was there.
    """

    page: Page = field(repr=False)
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


def timed(go: Callable[[], Page], *, leads_to: str) -> Timed:
    """Time one request, which must be answered by a redirect to *leads_to*."""
    began = time.perf_counter()
    page = go()
    ended = time.perf_counter()
    if (page.status, page.location) != (303, leads_to):
        raise BenchmarkFault(f"answered {page.status} instead of going to {leads_to}")
    return Timed(page, began, ended)


def all_at_once(steps: Sequence[Callable[[], Timed]]) -> list[Timed]:
    """Take steps at the same moment, each in a thread."""
    start = Barrier(len(steps))

    def wait_and_go(step: Callable[[], Timed]) -> Timed:
        start.wait()
        return step()

    with ThreadPoolExecutor(len(steps)) as threads:
        return list(threads.map(wait_and_go, steps))


def wall_seconds(answers: Sequence[Timed]) -> float:
    """Return the time from the first request to the last answer."""
    return max(one.ended for one in answers) - min(one.began for one in answers)


def new_visitor(service: Service) -> Visitor:
    """Open a browser window."""
    return service.visitor(timeout_seconds=TIMEOUT_SECONDS)


def new_reporter(service: Service) -> tuple[Visitor, str]:
    """Send a report; return the signed-in window and the codename."""
    visitor = new_visitor(service)
    codename = visitor.draw_codename()
    visitor.send_report()
    return visitor, codename


def prepared_upload(visitor: Visitor, *files: Upload) -> Callable[[], Timed]:
    """Fill in the form for files; return what sends it."""
    fields = visitor.get("/case/").hidden("/case/files")
    content_type, body = multipart(fields, files)
    headers = {"Content-Type": content_type}
    return lambda: timed(
        lambda: visitor.raw("POST", "/case/files", headers, body), leads_to="/case/"
    )


def prepared_form(
    visitor: Visitor, path: str, body: bytes, *, leads_to: str
) -> Callable[[], Timed]:
    """Return what sends a form that is filled in already."""
    headers = {"Content-Type": FORM_TYPE}
    return lambda: timed(
        lambda: visitor.raw("POST", path, headers, body), leads_to=leads_to
    )
